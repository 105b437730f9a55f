/** What a token opens: `register` POST of executions, `read` every GET, `admin` everything. */
export const SCOPES = ['register', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
