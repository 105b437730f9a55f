import type { Clock } from '../../runtime/clock.ts';
import { printError } from '../terminal/print-error.ts';
import type { DaemonClient } from '../api-client/client.ts';
import { followToEnd } from './follow.ts';
import type { Follower } from './follow.ts';
import { abortWhenStopped } from '../terminal/until-stopped.ts';
import { exitCodeOf, signalExitCode } from '../wait/exit-codes.ts';
import { createProgress } from '../wait/progress.ts';
import type { Output } from '../wait/progress.ts';

export interface WaitForAllOptions {
  readonly target?: string;
  /** Prints each execution that has ended as JSON to standard output, and the progress to standard error. */
  readonly json?: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The exit code for several executions is the first of these that any of them ended with. */
const WORST_FIRST = [1, 6, 5, 3, 4, 0];

/** Waits until the daemon has seen all executions end. Returns the exit code. */
export async function waitForAll(
  daemon: DaemonClient,
  ids: readonly string[],
  { target, json, timeoutMs, clock }: WaitForAllOptions,
): Promise<number> {
  const output = json === true ? process.stderr : process.stdout;
  const { stopped, stopping } = abortWhenStopped();
  const codes = new Set<number>();
  const followers = ids.map((id) => {
    const progress = createProgress(ids.length === 1 ? output : linesOf(output, id), id, clock);
    const end: Follower['end'] = (result, seen) => {
      progress.end(result);
      progress.close();
      if (result.kind === 'stopped') return;
      if (result.kind === 'broken') printError(result.message);
      if (json === true && seen !== undefined) process.stdout.write(`${JSON.stringify(seen)}\n`);
      codes.add(exitCodeOf(result));
    };
    return [id, { ...progress, end }] as const;
  });
  try {
    await followToEnd(daemon, new Map(followers), { target, timeoutMs, signal: stopping, clock });
  } finally {
    for (const [, follower] of followers) follower.close();
  }
  return stopping.aborted
    ? signalExitCode(await stopped)
    : (WORST_FIRST.find((code) => codes.has(code)) ?? 1);
}

/** Lets several executions share the output: each line names its execution, and there are no status lines. */
function linesOf(output: Output, id: string): Output {
  return { write: (text) => output.write(text.startsWith(id) ? text : `${id}  ${text}`) };
}
