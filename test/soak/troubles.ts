import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import type { Fault, Simulator } from '../../src/simulator/simulator.ts';
import { MOODS } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import type { Watcher } from './watcher.ts';

const error = (code: string, httpStatus: number, more: Partial<Fault> = {}) =>
  ({ kind: 'error', code, httpStatus, ...more }) as Fault;

/** What AWS does wrong at random. Each for a few calls only: what is tried is that it is over one day. */
const FAULTS: readonly Fault[] = [
  error('CallRateLimitExceededException', 429, { count: 2 }),
  error('CallRateLimitExceededException', 429, { count: 1, headers: { 'retry-after': '1' } }),
  error('ThrottlingException', 400, { count: 1, wire: 'body' }),
  error('ServiceException', 500, { count: 8, probability: 0.5 }),
  error('ServiceUnavailableException', 503, { count: 8, probability: 0.5 }),
  error('ExpiredTokenException', 403, { count: 3, probability: 0.3 }),
  error('AccessDeniedException', 403, { count: 3, probability: 0.3 }),
  error('InvalidRequestException', 400, { count: 5, probability: 0.3, operation: 'GetLifecycleExecution' }),
  { kind: 'body', httpStatus: 502, contentType: 'text/html', text: '<html>Bad Gateway</html>', count: 4 },
  { kind: 'body', httpStatus: 200, contentType: 'text/html', text: '<html>Log in</html>', count: 4 },
  { kind: 'body', httpStatus: 200, contentType: 'application/json', text: '{}', count: 4 },
  { kind: 'body', httpStatus: 200, contentType: 'application/json', text: '{"lifecycleExe', count: 4 },
  { kind: 'reset', count: 8, probability: 0.5 },
  { kind: 'hang', count: 2 },
  { kind: 'delay', delayMs: 800, count: 20, probability: 0.3 },
];
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

/** Adds one fault after the other until `signal` aborts; then none is left. */
export async function troubleAws(simulator: Simulator, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    simulator.addFault(oneOf(FAULTS, random));
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
