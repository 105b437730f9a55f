import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { PROBLEMS, PROBLEM_TYPE } from '../wire/problem.ts';
import type { Fault, ProblemCode } from '../wire/problem.ts';

export interface ProblemOptions {
  /** Default: the text that goes with the code. */
  readonly detail?: string;
  readonly faults?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Logged, never sent to the client. */
  readonly cause?: unknown;
}

/** The value of Retry-After in a 503 answer. */
const RETRY_AFTER_SECONDS = '5';

/** An answer that reports an error. It can be thrown or passed around as a value. */
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
    // Bad input always names its faults; an empty path stands for the request as a whole.
    this.faults = faults ?? (this.status === 400 ? [{ path: '', message: this.message }] : undefined);
    this.headers = { ...(this.status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {}), ...headers };
  }
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

export function problemBody({ code, status, message, faults }: Problem): string {
  const title = STATUS_CODES[status] ?? 'Error';
  return JSON.stringify({ type: 'about:blank', title, status, code, detail: message, errors: faults });
}

/** Sends the body as bytes: Fastify would add a charset to text, but this media type has no such parameter. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const body = Buffer.from(problemBody(problem));
  return reply.code(problem.status).headers(problem.headers).type(PROBLEM_TYPE).send(body);
}
