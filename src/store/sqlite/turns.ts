import { setImmediate as nextRound } from 'node:timers/promises';
import type { Clock } from '../../runtime/clock.ts';
import type { Urgency } from '../sql/database.ts';

/** SQLite never yields to the event loop by itself, so other work gets its turn after this long. */
const STRETCH_MS = 4;
/**
 * Rounds of the event loop after a stretch, and after a long one. Node accepts one connection per round, so a probe waits for
 * as many rounds as there are connections before it. With 32 rounds it is answered within 0.1 s while 200 long lists begin at
 * once. More than a few rounds after each stretch cost deliveries 3 % of their rate.
 */
const ROUNDS = 4;
const LONG_STRETCH_MS = 8;
const ROUNDS_AFTER_LONG = 32;

type Turn = () => Promise<void>;

/** Lets one piece of work at a time use the database, and lets the event loop run between them. */
export interface Turns {
  /**
   * Resolves with the result of `work` once it has had its turn. Urgent work goes first, but if both kinds wait they alternate.
   */
  run<T>(work: () => Promise<T>, urgency: Urgency): Promise<T>;
}

/** `work` must await only the database, so that a turn takes no longer than its statements. */
export function createSqliteTurns(clock: Pick<Clock, 'monotonicNow'>): Turns {
  const waiting: Readonly<Record<Urgency, Turn[]>> = { now: [], later: [] };
  let isRunning = false;
  let lastUrgency: Urgency = 'later';
  /** When the first turn in this round of the event loop began. */
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

  async function goRound(times: number): Promise<void> {
    for (let round = 0; round < times; round += 1) await nextRound();
  }

  async function runAll(): Promise<void> {
    isRunning = true;
    for (let turn = takeNext(); turn !== undefined; turn = takeNext()) {
      // A turn may lead to the next without a round between them, as slices do.
      const lengthMs = stretchMs();
      if (lengthMs >= STRETCH_MS) await goRound(lengthMs < LONG_STRETCH_MS ? ROUNDS : ROUNDS_AFTER_LONG);
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
