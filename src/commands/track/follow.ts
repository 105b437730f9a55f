import { executionSchema } from '../../wire/execution.ts';
import type { ExecutionJson } from '../../wire/execution.ts';
import type { CallFailure } from '../../domain/call/outcome.ts';
import { isFinal } from '../../domain/execution/status.ts';
import { linkSignals } from '../../runtime/abort.ts';
import type { Clock } from '../../runtime/clock.ts';
import { defined } from '../../runtime/defined.ts';
import type { DaemonClient } from '../api-client/client.ts';
import { executionPath } from '../api-client/daemon-command.ts';
import { CommandFailure } from '../api-client/failure.ts';
import type { WaitEnd } from '../wait/wait-for-end.ts';

/** Receives each observation of one execution, and how its wait ended. */
export interface Follower {
  onSeen(seen: { readonly status: string; readonly reason?: string; readonly startTime?: number }): void;
  onFailure(failure: Pick<CallFailure, 'outcome' | 'message'>): void;
  end(end: WaitEnd, seen: ExecutionJson | undefined): void;
}

export interface FollowOptions {
  readonly target?: string | undefined;
  readonly timeoutMs: number;
  /** Ends all waits. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** A daemon may be restarted or moved, and then continues to watch its executions. */
const PATIENCE_MS = 300_000;
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
/** The pause per execution, which uses half of the 6,000 requests a minute that a token has. */
const PAUSE_MS_EACH = 20;

/**
 * Asks the daemon about executions until each of them has ended, and reports to their followers. It asks soon after the
 * daemon is due to ask AWS. Rejects if the daemon refuses a request.
 */
export async function followToEnd(
  daemon: DaemonClient,
  followers: ReadonlyMap<string, Follower>,
  { target, timeoutMs, signal, clock }: FollowOptions,
): Promise<void> {
  using limit = linkSignals([signal], timeoutMs);
  const group = new FollowedGroup(daemon, followers, { target, signal: limit.signal, clock });
  try {
    for (;;) {
      await group.lookAtAll();
      if (group.hasEnded) return;
      await clock.sleep(group.pauseMs(), limit.signal);
      limit.signal.throwIfAborted();
    }
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    group.endAll((seen) =>
      limit.hasTimedOut ? { kind: 'timed_out', ...defined({ status: seen?.status }) } : { kind: 'stopped' },
    );
  }
}

/** The executions that have not ended yet, with their followers and the latest answers of the daemon. */
class FollowedGroup {
  readonly #daemon: DaemonClient;
  readonly #open: Map<string, Follower>;
  readonly #options: Omit<FollowOptions, 'timeoutMs'>;
  readonly #seen = new Map<string, ExecutionJson>();
  #answeredTick: number;

  constructor(
    daemon: DaemonClient,
    followers: ReadonlyMap<string, Follower>,
    options: Omit<FollowOptions, 'timeoutMs'>,
  ) {
    this.#daemon = daemon;
    this.#open = new Map(followers);
    this.#options = options;
    this.#answeredTick = options.clock.monotonicNow();
  }

  get hasEnded(): boolean {
    return this.#open.size === 0;
  }

  /** Asks once about each execution. If the daemon does not answer one request, the others are left out. */
  async lookAtAll(): Promise<void> {
    for (const [id, follower] of [...this.#open]) {
      try {
        await this.#lookAt(id, follower);
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        if (error.status === 404) this.#end(id, { kind: 'broken', message: `${id}: ${error.message}` });
        else if (!isTemporary(error)) throw error;
        else {
          this.#recordOutage(error);
          return;
        }
      }
    }
  }

  endAll(endOf: (seen: ExecutionJson | undefined) => WaitEnd): void {
    for (const id of this.#open.keys()) this.#end(id, endOf(this.#seen.get(id)));
  }

  /**
   * The time until the daemon is next due to ask AWS about one of them, as far as the two clocks agree. An execution without
   * such a time is being polled, or the daemon has not answered.
   */
  pauseMs(): number {
    const now = this.#options.clock.now();
    const pauses = [...this.#open.keys()].map((id) => {
      const nextPollAt = this.#seen.get(id)?.nextPollAt;
      return nextPollAt === undefined ? 0 : Date.parse(nextPollAt) - now;
    });
    const shortest = Math.max(SHORTEST_PAUSE_MS, PAUSE_MS_EACH * pauses.length);
    return Math.max(shortest, Math.min(LONGEST_PAUSE_MS, ...pauses));
  }

  async #lookAt(id: string, follower: Follower): Promise<void> {
    const { target, signal, clock } = this.#options;
    const execution = await this.#daemon.ask(executionSchema, executionPath(id, target), {
      scope: 'read',
      signal,
    });
    this.#answeredTick = clock.monotonicNow();
    this.#seen.set(id, execution);
    const { status, reason, startTime, tracking } = execution;
    if (status !== undefined)
      follower.onSeen({ status, ...defined({ reason, startTime: epochMs(startTime) }) });
    const end = endOf(execution);
    if (end === undefined) return;
    if (tracking === 'expired')
      follower.onFailure({ outcome: 'missing', message: 'no longer tracked: its time limit has passed' });
    this.#end(id, end);
  }

  #recordOutage({ message }: CommandFailure): void {
    for (const follower of this.#open.values()) follower.onFailure({ outcome: 'unavailable', message });
    if (this.#options.clock.monotonicNow() - this.#answeredTick < PATIENCE_MS) return;
    this.endAll(() => ({ kind: 'broken', message }));
  }

  #end(id: string, end: WaitEnd): void {
    this.#open.get(id)?.end(end, this.#seen.get(id));
    this.#open.delete(id);
  }
}

/** Reports whether the request can be repeated later. */
function isTemporary({ status }: CommandFailure): boolean {
  return status === undefined || status === 429 || status >= 500;
}

/** Returns how an execution has ended according to the daemon; undefined if it has not. */
function endOf({ tracking, status, startTime, endTime }: ExecutionJson): WaitEnd | undefined {
  switch (tracking) {
    case 'active':
      return undefined;
    case 'not_found':
      return { kind: 'not_found' };
    case 'expired':
      return { kind: 'timed_out', ...defined({ status }) };
    case 'finished':
      if (status === undefined || !isFinal(status))
        return { kind: 'broken', message: `it has ended with ${status ?? 'no status'}` };
      return {
        kind: 'final',
        status,
        seen: defined({ startTime: epochMs(startTime), endTime: epochMs(endTime) }),
      };
  }
}

function epochMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant);
}
