import type { Scope } from '../../domain/scope.ts';
import { receivedProblemSchema } from '../../wire/problem.ts';
import type { ReceivedProblem } from '../../wire/problem.ts';
import { parseJson } from './json.ts';
import { oneLine } from '../terminal/text.ts';

const EXIT = { failed: 1, wrongUsage: 2 } as const;

/** The reason why a command fails: a message and more lines of details for standard error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: (typeof EXIT)[keyof typeof EXIT];
  readonly details: readonly string[];
  /** The HTTP status if the daemon answered. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: {
      readonly exitCode?: CommandFailure['exitCode'];
      readonly details?: readonly string[];
      readonly status?: number;
    } = {},
  ) {
    super(message);
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.details = options.details ?? [];
    this.status = options.status;
  }
}

/** A fault of the command line that the parser cannot find, such as options that exclude each other. */
export function wrongUsage(message: string): CommandFailure {
  return new CommandFailure(message, { exitCode: EXIT.wrongUsage });
}

/** The options that solve a problem, for problems that mention HTTP headers and members. */
const HINTS: Readonly<Record<string, string>> = {
  unauthorized: 'set LIFECYCLE_WATCHER_TOKEN, or use --token',
  target_required: 'use --target NAME',
  ambiguous_target: 'use --target NAME',
};

/** Returns one line with code and detail, one for each fault, and one with a hint if there is any. */
export function problemLines({ code, detail, errors = [] }: ReceivedProblem): readonly string[] {
  const hint = HINTS[code];
  return [
    `${oneLine(code)}: ${oneLine(detail)}`,
    ...errors.map(({ path, message }) => `${path === '' ? '' : `${oneLine(path)}: `}${oneLine(message)}`),
    ...(hint === undefined ? [] : [hint]),
  ];
}

/** Converts an error response. Status 400 counts as wrong usage. */
export function failureOf(url: string, status: number, body: string, scope: Scope): CommandFailure {
  const problem = receivedProblemSchema.safeParse(parseJson(body));
  if (!problem.success)
    return new CommandFailure(`${url} answered ${status}, but not like a lifecycle-watcher daemon`, {
      status,
    });
  const [message = '', ...details] = problemLines(problem.data);
  const needed = status === 401 || status === 403 ? [`a token with the scope ${scope} is needed`] : [];
  const exitCode = status === 400 ? EXIT.wrongUsage : EXIT.failed;
  return new CommandFailure(message, { exitCode, details: [...needed, ...details], status });
}

/** Converts an error of `fetch` into one line. */
export function connectionFailure(url: string, error: unknown): CommandFailure {
  if (!(error instanceof Error)) return new CommandFailure(`no answer from ${url}`);
  const { cause } = error;
  // A host name with several addresses has one reason for each.
  const reasons = cause instanceof AggregateError ? (cause.errors as readonly unknown[]) : [cause ?? error];
  const [reason] = reasons.filter((candidate) => candidate instanceof Error);
  return new CommandFailure(`no answer from ${url}: ${oneLine((reason ?? error).message)}`);
}
