import * as z from 'zod';
import type { Scope } from '../../domain/scope.ts';
import { jsonOf, oneLine } from './text.ts';

const EXIT = { failed: 1, wrongUsage: 2 } as const;

/** Why a command cannot do what it is asked to: `message`, and more lines, for standard error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: (typeof EXIT)[keyof typeof EXIT];
  readonly more: readonly string[];
  /** Of the answer, where it was one. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: {
      readonly exitCode?: CommandFailure['exitCode'];
      readonly more?: readonly string[];
      readonly status?: number;
    } = {},
  ) {
    super(message);
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.more = options.more ?? [];
    this.status = options.status;
  }
}

/** Wrong usage that only shows once several options, or their values, are looked at. */
export function wrongUsage(message: string): CommandFailure {
  return new CommandFailure(message, { exitCode: EXIT.wrongUsage });
}

/** Members that a problem of the daemon has (RFC 9457, `code` and `errors` of its own). */
const problemAnswer = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** What to do about problems that speak of HTTP. */
const HINTS: Readonly<Record<string, string>> = {
  unauthorized: 'give it with --token or, better, in LIFECYCLE_WATCHER_TOKEN',
  target_required: 'give --target NAME',
  ambiguous_target: 'give --target NAME',
};

/** Code, detail and each fault of a problem, one line each. */
export function problemLines({
  code,
  detail,
  errors = [],
}: z.output<typeof problemAnswer>): readonly string[] {
  const hint = HINTS[code];
  return [
    `${oneLine(code)}: ${oneLine(detail)}`,
    ...errors.map(({ path, message }) => `${path === '' ? '' : `${oneLine(path)}: `}${oneLine(message)}`),
    ...(hint === undefined ? [] : [hint]),
  ];
}

/** What an answer that is an error means. Bad input is wrong usage; everything else has failed. */
export function failureOf(url: string, status: number, body: string, scope: Scope): CommandFailure {
  const problem = problemAnswer.safeParse(jsonOf(body));
  if (!problem.success)
    return new CommandFailure(`${url} answered ${status}, and not as lifecycle-watcher does`, { status });
  const [message = '', ...more] = problemLines(problem.data);
  const needed = status === 401 || status === 403 ? [`a token with the scope ${scope} is needed`] : [];
  const exitCode = status === 400 ? EXIT.wrongUsage : EXIT.failed;
  return new CommandFailure(message, { exitCode, more: [...needed, ...more], status });
}

/** What kept a request from being answered, in one line. */
export function connectionFailure(url: string, error: unknown): CommandFailure {
  if (!(error instanceof Error)) return new CommandFailure(`no answer from ${url}`);
  const { cause } = error;
  // A name with several addresses has one reason for each.
  const reasons = cause instanceof AggregateError ? (cause.errors as readonly unknown[]) : [cause ?? error];
  const [reason] = reasons.filter((candidate) => candidate instanceof Error);
  return new CommandFailure(`no answer from ${url}: ${oneLine((reason ?? error).message)}`);
}
