import * as z from 'zod';

/** Every way a request can end badly: the stable code, its status, and what to say unless more is known. */
export const PROBLEMS = {
  invalid_request: { status: 400, detail: 'The request is not valid; see errors.' },
  malformed_json: { status: 400, detail: 'The body is not valid JSON, or has a member named __proto__.' },
  malformed_request: { status: 400, detail: 'The request is not valid HTTP.' },
  target_required: { status: 400, detail: 'Several targets are configured: say which one is meant.' },
  invalid_cursor: { status: 400, detail: 'This cursor was not given out by this list.' },
  callbacks_not_configured: { status: 400, detail: 'callbackUrl is refused: callbacks are not configured.' },
  too_many_labels: { status: 400, detail: 'With these the execution would have more than 32 labels.' },
  unauthorized: { status: 401, detail: 'A valid token is needed: authorization: Bearer TOKEN.' },
  forbidden: { status: 403, detail: 'The token lacks the scope that this needs.' },
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  unknown_target: { status: 404, detail: 'No target of this name is configured.' },
  unknown_execution: { status: 404, detail: 'No execution with this id is known.' },
  unknown_delivery: { status: 404, detail: 'No delivery with this id is kept.' },
  unknown_endpoint: { status: 404, detail: 'No endpoint of this name is configured.' },
  method_not_allowed: { status: 405, detail: 'This path does not answer this method; see the header allow.' },
  request_timeout: { status: 408, detail: 'The request did not arrive in time.' },
  ambiguous_target: { status: 409, detail: 'This id is known in several targets: add ?target=NAME.' },
  not_active: { status: 409, detail: 'This execution is not polled.' },
  endpoint_removed: { status: 409, detail: 'The endpoint of this delivery is no longer configured.' },
  backup_running: { status: 409, detail: 'A backup is being made already.' },
  cursor_expired: { status: 410, detail: 'What follows this cursor is no longer kept: begin without one.' },
  body_too_large: { status: 413, detail: 'The body is too large.' },
  unsupported_media_type: { status: 415, detail: 'The body must be application/json.' },
  too_many_requests: { status: 429, detail: 'Too many requests; see the header retry-after.' },
  headers_too_large: { status: 431, detail: 'The header fields are too large.' },
  internal_error: { status: 500, detail: 'Something went wrong here; the log tells what.' },
  store_unavailable: { status: 503, detail: 'The store does not answer; try again.' },
  overloaded: { status: 503, detail: 'Too many requests are in flight; try again.' },
  draining: { status: 503, detail: 'This process is stopping; try again.' },
  no_space: { status: 507, detail: 'There is no room on the disk for a copy of the store.' },
  not_ready: { status: 503, detail: 'Not ready.' },
} as const satisfies Record<string, { readonly status: number; readonly detail: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE = 'application/problem+json';

/** The most faults that one answer names: enough for an honest mistake, and no help to a client that sends thousands. */
export const MOST_FAULTS = 100;

/** One fault of a request: its place, and what is wrong there. */
export const faultSchema = z.object({ path: z.string(), message: z.string() });
export type Fault = Readonly<z.output<typeof faultSchema>>;

/** The body of an error answer: RFC 9457, extended by `code` and `errors`. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]).describe('Stable: to be decided on'),
    detail: z.string().describe('For people'),
    errors: z.array(faultSchema).max(MOST_FAULTS).readonly().optional(),
  })
  .meta({ id: 'Problem' });

/** The members of a problem that a client reads. A later version of the daemon may send codes that are unknown here. */
export const receivedProblemSchema = z.object({
  ...problemSchema.pick({ detail: true, errors: true }).shape,
  code: z.string(),
});
export type ReceivedProblem = z.output<typeof receivedProblemSchema>;
