/** The scopes of a token: `register` allows POST of executions, `read` every GET, `admin` everything. */
export const SCOPES = ['register', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
