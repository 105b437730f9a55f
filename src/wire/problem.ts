import * as z from 'zod';

/** The stable codes of problems, each with its HTTP status and the detail that is sent if nothing more specific is known. */
export const PROBLEMS = {
  invalid_request: { status: 400, detail: 'The request is invalid.' },
  malformed_json: {
    status: 400,
    detail: 'The body is not valid JSON in UTF-8 or has a member named __proto__.',
  },
  malformed_request: { status: 400, detail: 'The request is not valid HTTP.' },
  target_required: { status: 400, detail: 'Several targets are configured; name one of them.' },
  invalid_cursor: { status: 400, detail: 'The cursor does not belong to this list.' },
  callbacks_not_configured: { status: 400, detail: 'Callbacks are not configured.' },
  too_many_labels: { status: 400, detail: 'The execution would have more than 32 labels.' },
  unauthorized: { status: 401, detail: 'A valid token is required (authorization: Bearer TOKEN).' },
  forbidden: { status: 403, detail: 'The token lacks the required scope.' },
  foreign_request: { status: 403, detail: 'The request comes from another host.' },
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  unknown_target: { status: 404, detail: 'No target with this name is configured.' },
  unknown_execution: { status: 404, detail: 'No execution with this id is known.' },
  unknown_delivery: { status: 404, detail: 'No delivery with this id exists, or it is no longer kept.' },
  unknown_endpoint: { status: 404, detail: 'No endpoint with this name is configured.' },
  method_not_allowed: { status: 405, detail: 'This path does not allow this method.' },
  request_timeout: { status: 408, detail: 'The request took too long to arrive.' },
  ambiguous_target: {
    status: 409,
    detail: 'Several targets have an execution with this id; name one of them: ?target=NAME.',
  },
  not_active: { status: 409, detail: 'The execution is not being polled.' },
  endpoint_removed: { status: 409, detail: 'The endpoint of this delivery is no longer configured.' },
  backup_running: { status: 409, detail: 'Another backup is in progress.' },
  cursor_expired: {
    status: 410,
    detail: 'Events after this cursor may have been deleted; start again without a cursor.',
  },
  body_too_large: { status: 413, detail: 'The body is too large.' },
  unsupported_media_type: { status: 415, detail: 'The body must be application/json.' },
  unsupported_content_coding: { status: 415, detail: 'The body must not be compressed.' },
  too_many_requests: { status: 429, detail: 'Too many requests; try again later.' },
  headers_too_large: { status: 431, detail: 'The header fields are too large.' },
  internal_error: {
    status: 500,
    detail: 'An unexpected error occurred; the log of the daemon has the details.',
  },
  store_unavailable: { status: 503, detail: 'The store is not available; try again later.' },
  overloaded: { status: 503, detail: 'Too many requests are in progress; try again later.' },
  draining: { status: 503, detail: 'The daemon is stopping; try again later.' },
  no_space: { status: 507, detail: 'The disk has no room for a copy of the store.' },
  not_ready: { status: 503, detail: 'The daemon is not ready.' },
} as const satisfies Record<string, { readonly status: number; readonly detail: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE = 'application/problem+json';

/** The most faults that one answer lists: enough for an honest mistake, and useless to a client that sends thousands. */
export const MOST_FAULTS = 100;

/** One fault of a request: the path of a member, and a message about it. */
export const faultSchema = z.object({ path: z.string(), message: z.string() });
export type Fault = Readonly<z.output<typeof faultSchema>>;

/** The body of an error answer: RFC 9457, extended by `code` and `errors`. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]).describe('Stable code for programs to act on'),
    detail: z.string().describe('Explanation for people'),
    errors: z.array(faultSchema).max(MOST_FAULTS).readonly().optional(),
  })
  .meta({ id: 'Problem' });

/** The members of a problem that a client reads. A later version of the daemon may send codes that are unknown here. */
export const receivedProblemSchema = z.object({
  ...problemSchema.pick({ detail: true, errors: true }).shape,
  code: z.string(),
});
export type ReceivedProblem = z.output<typeof receivedProblemSchema>;
