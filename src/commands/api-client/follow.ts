import { executionSchema } from '../../http/execution-json.ts';
import type { ExecutionJson } from '../../http/execution-json.ts';
import type { CallFailure } from '../../domain/call/outcome.ts';
import { isFinal } from '../../domain/execution/status.ts';
import type { WaitEnd } from '../wait/wait-for-end.ts';
import { linkSignals } from '../../runtime/abort.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { DaemonClient } from './client.ts';
import { executionPath } from './client-command.ts';
import { CommandFailure } from './failure.ts';

/** Told of what is seen of one execution, and how it ended. */
export interface Follower {
  onSeen(seen: { readonly status: string; readonly reason?: string; readonly startTime?: number }): void;
  onFailure(failure: Pick<CallFailure, 'outcome' | 'message'>): void;
  end(end: WaitEnd, seen: ExecutionJson | undefined): void;
}

export interface FollowOptions {
  readonly target?: string | undefined;
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** A daemon may be started anew, or be moved, without an end to what it watches. */
const PATIENCE_MS = 300_000;
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
/** For each execution: half of the 6,000 requests a minute that a token has. */
const PAUSE_MS_EACH = 20;

/** The daemon's answer to a request that may be made again. */
const isPassing = ({ status }: CommandFailure) => status === undefined || status === 429 || status >= 500;

/**
 * Asks a daemon for executions until each of them has ended, and tells their followers. It asks soon after the daemon will have
 * asked AWS, never AWS itself. Rejects where the daemon refuses.
 */
export async function followToEnd(
  daemon: DaemonClient,
  followers: ReadonlyMap<string, Follower>,
  { target, timeoutMs, signal, clock }: FollowOptions,
): Promise<void> {
  using limit = linkSignals([signal], timeoutMs);
  const open = new Map(followers);
  const seen = new Map<string, ExecutionJson>();
  let answeredTick = clock.monotonicNow();

  const end = (id: string, how: WaitEnd) => {
    open.get(id)?.end(how, seen.get(id));
    open.delete(id);
  };
  const endAll = (how: (last: ExecutionJson | undefined) => WaitEnd) => {
    for (const id of open.keys()) end(id, how(seen.get(id)));
  };

  async function lookAt(id: string, follower: Follower): Promise<void> {
    const path = executionPath(id, target);
    const execution = await daemon.ask(executionSchema, path, { scope: 'read', signal: limit.signal });
    answeredTick = clock.monotonicNow();
    seen.set(id, execution);
    const { status, reason, startTime, tracking } = execution;
    const began = startTime === undefined ? {} : { startTime: Date.parse(startTime) };
    if (status !== undefined)
      follower.onSeen({ status, ...(reason === undefined ? {} : { reason }), ...began });
    const how = endOf(execution);
    if (how === undefined) return;
    if (tracking === 'expired')
      follower.onFailure({ outcome: 'missing', message: 'it is tracked no longer: its time is over' });
    end(id, how);
  }

  /** One look at each that has not ended; a daemon that does not answer one of them answers none. */
  async function lookAtAll(): Promise<void> {
    for (const [id, follower] of [...open]) {
      try {
        await lookAt(id, follower);
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        if (error.status === 404) end(id, { kind: 'broken', message: `${id}: ${error.message}` });
        else if (!isPassing(error)) throw error;
        else {
          for (const waiting of open.values())
            waiting.onFailure({ outcome: 'unavailable', message: error.message });
          if (clock.monotonicNow() - answeredTick < PATIENCE_MS) return;
          endAll(() => ({ kind: 'broken', message: error.message }));
        }
      }
    }
  }

  try {
    for (;;) {
      await lookAtAll();
      if (open.size === 0) return;
      await clock.sleep(
        pauseMs(
          [...open.keys()].map((id) => seen.get(id)),
          clock.now(),
        ),
        limit.signal,
      );
      limit.signal.throwIfAborted();
    }
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    endAll((last) =>
      limit.hasTimedOut
        ? { kind: 'timed_out', ...(last?.status === undefined ? {} : { status: last.status }) }
        : { kind: 'stopped' },
    );
  }
}

/** How an execution has ended, as the daemon knows it; undefined where it goes on. */
function endOf({ tracking, status, startTime, endTime }: ExecutionJson): WaitEnd | undefined {
  switch (tracking) {
    case 'active':
      return undefined;
    case 'not_found':
      return { kind: 'not_found' };
    case 'expired':
      return { kind: 'timed_out', ...(status === undefined ? {} : { status }) };
    case 'finished':
      if (status === undefined || !isFinal(status))
        return { kind: 'broken', message: `it has ended, but with ${status ?? 'no status'}` };
      return {
        kind: 'final',
        status,
        seen: {
          ...(startTime === undefined ? {} : { startTime: Date.parse(startTime) }),
          ...(endTime === undefined ? {} : { endTime: Date.parse(endTime) }),
        },
      };
  }
}

/**
 * Until the daemon's next look at one of them, as far as it is known: the two clocks may differ. What has no time is being looked
 * at, or was not answered.
 */
function pauseMs(open: readonly (ExecutionJson | undefined)[], now: number): number {
  const next = open.map((execution) =>
    execution?.nextPollAt === undefined ? 0 : Date.parse(execution.nextPollAt) - now,
  );
  const shortest = Math.max(SHORTEST_PAUSE_MS, PAUSE_MS_EACH * open.length);
  return Math.max(shortest, Math.min(LONGEST_PAUSE_MS, ...next));
}
