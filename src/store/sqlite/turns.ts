import { setImmediate as nextRound } from 'node:timers/promises';
import type { Clock } from '../../runtime/clock.ts';
import type { Urgency } from '../sql/database.ts';

/** SQLite answers without a pause, so after this long it is everybody else's turn. */
const STRETCH_MS = 4;
/**
 * Rounds of the event loop between two stretches. Node accepts one connection in a round, and an idle round takes some 4 µs.
 * With 32 rounds a probe is answered while 200 long lists wait.
 */
const ROUNDS = 32;

type Turn = () => Promise<void>;

/** Lets one piece of work at a time use the database, and lets everything else in the process have its turn between them. */
export interface Turns {
  /**
   * Resolves with the result of `work` once it has had its turn. Urgent work goes first, but if both kinds wait they alternate.
   */
  run<T>(work: () => Promise<T>, urgency: Urgency): Promise<T>;
}

/** `work` is expected to await nothing but the database, so that a turn takes no longer than its statements. */
export function createSqliteTurns(clock: Pick<Clock, 'monotonicNow'>): Turns {
  const waiting: Readonly<Record<Urgency, Turn[]>> = { now: [], later: [] };
  let isRunning = false;
  let lastUrgency: Urgency = 'later';
  /** When the first turn since the event loop last went round began. */
  let stretchTick: number | undefined;

  function takeNext(): Turn | undefined {
    const first = lastUrgency === 'now' ? 'later' : 'now';
    lastUrgency = waiting[first].length > 0 ? first : first === 'now' ? 'later' : 'now';
    return waiting[lastUrgency].shift();
  }

  function stretchMs(): number {
    const now = clock.monotonicNow();
    if (stretchTick === undefined) {
      stretchTick = now;
      setImmediate(() => (stretchTick = undefined));
    }
    return now - stretchTick;
  }

  async function runAll(): Promise<void> {
    isRunning = true;
    for (let turn = takeNext(); turn !== undefined; turn = takeNext()) {
      // One turn may lead to the next without a round between them, as slices do.
      if (stretchMs() >= STRETCH_MS) for (let round = 0; round < ROUNDS; round += 1) await nextRound();
      stretchMs();
      await turn();
    }
    isRunning = false;
  }

  return {
    run: (work, urgency) =>
      new Promise((resolve, reject) => {
        waiting[urgency].push(() => Promise.try(work).then(resolve, reject));
        if (!isRunning) void runAll();
      }),
  };
}
