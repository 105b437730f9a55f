import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import { FAULT_NAMES } from '../../src/simulator/simulator.ts';
import type { FaultName, Simulator } from '../../src/simulator/simulator.ts';
import { MOODS } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import type { Watcher } from './watcher.ts';

/** Faults that make AWS report a wrong status, so that the daemon's reports cannot be compared with the truth. */
const LIES: readonly FaultName[] = ['stale', 'unknown-status'];
const FAULTS = FAULT_NAMES.filter((name) => !LIES.includes(name));
/** Faults with a duration. Their default would outlast most lives of the daemon. */
const TIMED: readonly FaultName[] = [
  'throttled-retry-after',
  'throttled-retry-date',
  'slow-body',
  'late',
  'out-of-order',
  'read-after-write',
];
const FAULT_SECONDS = 1;
const MOST_CALLS_PER_FAULT = 8;
const LONGEST_FAULT_MS = 1500;
const LONGEST_CALM_MS = 2500;
const MOOD_PAUSE_MS = 4000;
const STEP_PAUSE_MS = 5000;
/** The offsets in seconds that the daemon's clock is set to. */
const OFFSETS_SECONDS = [0, 2, -2, 30, -30, 300, -300, 1800, -1800, 3600, -3600];

const pickOne = <T>(list: readonly T[], random: Random): T => {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new RangeError('an empty list');
  return chosen;
};

function addFault(simulator: Simulator, random: Random): void {
  const name = pickOne(FAULTS, random);
  const count = 1 + Math.floor(random() * MOST_CALLS_PER_FAULT);
  const extent = { count, probability: random() < 0.5 ? 1 : 0.3 };
  simulator.addFault({ name, ...extent, ...(TIMED.includes(name) ? { seconds: FAULT_SECONDS } : {}) });
}

/** Adds one fault after another until `signal` aborts. No fault is left then. */
export async function troubleAws(simulator: Simulator, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    addFault(simulator, random);
    await pause(LONGEST_FAULT_MS * random(), signal);
    // Faults that no call has met would all affect the first calls of the next life.
    simulator.clearFaults();
    await pause(LONGEST_CALM_MS * random(), signal);
  }
}

/** Changes the mood of a receiver until `signal` aborts. It is well then. */
export async function troubleReceiver(
  receiver: Recorder,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await receiver.setMood(pickOne(MOODS, random));
    await pause(MOOD_PAUSE_MS * random(), signal);
  }
  await receiver.setMood('well');
}

/** Moves the daemon's clock forward and back until `signal` aborts. It is right then. */
export async function troubleClock(watcher: Watcher, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(STEP_PAUSE_MS * random(), signal);
    watcher.setClock(1000 * pickOne(OFFSETS_SECONDS, random));
  }
  watcher.setClock(0);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
