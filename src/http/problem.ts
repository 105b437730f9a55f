import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
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

/** An answer names at most so many faults: enough for whoever makes mistakes, and no use to whoever sends thousands. */
export const MOST_FAULTS = 100;

/** One thing that is wrong with a request: where, and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

export interface ProblemOptions {
  readonly detail?: string;
  readonly faults?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** What is behind it: logged, never told. */
  readonly cause?: unknown;
}

/** Whoever gets a 503 tries again after this many seconds. */
const RETRY_AFTER_SECONDS = '5';

/** An answer that is an error. Throw it, or keep it as a value. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  readonly faults: readonly Fault[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, { detail, faults, headers, cause }: ProblemOptions = {}) {
    super(detail ?? PROBLEMS[code].detail, { cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.faults = faults;
    this.headers = { ...(this.status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {}), ...headers };
  }
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of an error answer: RFC 9457, extended by `code` and `errors`. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]).describe('Stable: to be decided on'),
    detail: z.string().describe('For people'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .max(MOST_FAULTS)
      .readonly()
      .optional(),
  })
  .meta({ id: 'Problem' });

export function problemBody({ code, status, message, faults }: Problem): string {
  const title = STATUS_CODES[status] ?? 'Error';
  return JSON.stringify({ type: 'about:blank', title, status, code, detail: message, errors: faults });
}

/** As bytes: to text Fastify would add a charset, which this media type has none of. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const body = Buffer.from(problemBody(problem));
  return reply.code(problem.status).headers(problem.headers).type(PROBLEM_TYPE).send(body);
}
