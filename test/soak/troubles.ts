import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import { FAULT_NAMES } from '../../src/simulator/simulator.ts';
import type { FaultName, Simulator } from '../../src/simulator/simulator.ts';
import { MOODS } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import type { Watcher } from './watcher.ts';

/** These make AWS itself tell what is not so; what the daemon reports then cannot be held against the truth. */
const LIES: readonly FaultName[] = ['stale', 'unknown-status'];
const FAULTS = FAULT_NAMES.filter((name) => !LIES.includes(name));
/** Faults that last, and how long: by themselves they would outlast most lives. */
const TIMED: readonly FaultName[] = [
  'throttled-retry-after',
  'throttled-retry-date',
  'slow-body',
  'late',
  'out-of-order',
  'read-after-write',
];
const FAULT_SECONDS = 1;
const MOST_STRUCK = 8;
const LONGEST_FAULT_MS = 1500;
const LONGEST_CALM_MS = 2500;
const MOOD_PAUSE_MS = 4000;
const STEP_PAUSE_MS = 5000;
/** Seconds that the daemon's clock is off by, from the moment of a step. */
const OFFSETS_SECONDS = [0, 2, -2, 30, -30, 300, -300, 1800, -1800, 3600, -3600];

const oneOf = <T>(list: readonly T[], random: Random): T => {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new RangeError('an empty list');
  return chosen;
};

function addFault(simulator: Simulator, random: Random): void {
  const name = oneOf(FAULTS, random);
  const count = 1 + Math.floor(random() * MOST_STRUCK);
  const chance = { count, probability: random() < 0.5 ? 1 : 0.3 };
  simulator.addFault({ name, ...chance, ...(TIMED.includes(name) ? { seconds: FAULT_SECONDS } : {}) });
}

/** Adds one fault after the other until `signal` aborts; then none is left. */
export async function troubleAws(simulator: Simulator, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    addFault(simulator, random);
    await pause(LONGEST_FAULT_MS * random(), signal);
    // Those that struck nobody would all strike the first calls of the next life.
    simulator.clearFaults();
    await pause(LONGEST_CALM_MS * random(), signal);
  }
}

/** Lets a receiver come and go until `signal` aborts; then it is well. */
export async function troubleReceiver(
  receiver: Recorder,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await receiver.setMood(oneOf(MOODS, random));
    await pause(MOOD_PAUSE_MS * random(), signal);
  }
  await receiver.setMood('well');
}

/** Moves the daemon's clock forth and back until `signal` aborts; then it is right. */
export async function troubleClock(watcher: Watcher, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(STEP_PAUSE_MS * random(), signal);
    watcher.setClock(1000 * oneOf(OFFSETS_SECONDS, random));
  }
  watcher.setClock(0);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
