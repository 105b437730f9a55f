import { expect, it } from 'vitest';
import type { CallFailure, CallResult } from '../../src/domain/call/outcome.ts';
import { Errands, leftForLooks } from '../../src/polling/errands.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const OK = { outcome: 'ok', value: 'listed' } as const;
const THROTTLED: CallFailure = { outcome: 'throttled', message: 'slow down' };
const RESET: CallFailure = { outcome: 'unavailable', trouble: 'connection', code: 'ECONNRESET', message: '' };
const { signal: NEVER } = new AbortController();

function house({ perSecond = 10 } = {}) {
  const clock = createFakeClock();
  const sent: number[] = [];
  const told: string[] = [];
  const state = { isOpen: true, isLookReady: false };
  const answers: CallResult<string>[] = [];
  const errands = new Errands(
    {
      budget: {
        run: async (choose, signal) => choose()?.(signal),
        rate: () => ({ perSecond, ceiling: perSecond }),
      },
      clock,
      random: () => 0,
    },
    {
      isOpen: () => state.isOpen,
      isLookReady: () => state.isLookReady,
      onEnded: (result) => {
        told.push(result.outcome);
        return Promise.resolve();
      },
    },
  );
  const call = (signal = NEVER) =>
    errands.call(() => {
      sent.push(clock.monotonicNow());
      return Promise.resolve(answers.shift() ?? OK);
    }, signal);
  return { clock, sent, told, state, answers, errands, call };
}

it('takes what looks leave, and a tenth of the rate while they leave nothing', async () => {
  const { clock, sent, state, call, errands } = house();
  await Promise.all([call(), call(), call()]);
  expect(sent).toEqual([0, 0, 0]);
  state.isLookReady = true;
  const calls = Promise.all([call(), call()]);
  await clock.advance(2000);
  await calls;
  expect(sent.slice(3)).toEqual([1000, 2000]);
  expect(errands.usedPerSecond()).toBeCloseTo(5 / 60, 1);
  const last = call();
  await clock.advance(300);
  state.isLookReady = false;
  await clock.advance(100);
  await last;
  expect(sent.at(-1)).toBe(2400);
  await clock.advance(3_600_000);
  expect(errands.usedPerSecond()).toBeCloseTo(0, 6);
});

it('makes no call until calls are allowed', async () => {
  const { clock, sent, state, call, errands } = house();
  state.isOpen = false;
  const waiting = call();
  await clock.advance(3_600_000);
  expect(sent).toEqual([]);
  state.isOpen = true;
  errands.open();
  await waiting;
  expect(sent).toEqual([3_600_000]);
});

it('goes on until AWS has answered, and tells how it ended', async () => {
  const { clock, told, answers, call } = house();
  answers.push(THROTTLED, THROTTLED, RESET, OK);
  const result = call();
  await clock.advance(0);
  expect(await result).toBe(OK);
  expect(told).toEqual(['ok']);
  answers.push({ ...THROTTLED, outcome: 'rejected' });
  expect(await call()).toMatchObject({ outcome: 'rejected' });
  expect(told).toEqual(['ok', 'rejected']);
});

it('ends at once at an abort, whatever it waits for, and lets the next one on', async () => {
  const { clock, state, call, sent, told, errands } = house();
  const waits = async (prepare: () => void) => {
    const abort = new AbortController();
    prepare();
    const waiting = call(abort.signal);
    const refused = expect(waiting).rejects.toThrow();
    await clock.advance(10);
    abort.abort();
    await refused;
  };
  await call();
  await waits(() => (state.isLookReady = true));
  await waits(() => (state.isOpen = false));
  state.isOpen = true;
  state.isLookReady = false;
  const abort = new AbortController();
  const hanging = errands.call(() => new Promise<CallResult<string>>(() => undefined), abort.signal);
  const next = call();
  await clock.advance(10);
  abort.abort();
  await expect(hanging).rejects.toThrow();
  await next;
  expect(sent).toHaveLength(2);
  expect(told).toEqual(['ok', 'ok']);
});

it('leaves looks seven tenths of the rate at least', () => {
  expect(leftForLooks(10, 1)).toBe(9);
  expect(leftForLooks(10, 9)).toBe(7);
});

it('leaves no timer behind when it is given up while no calls are allowed', async () => {
  const { clock, state, call } = house();
  state.isOpen = false;
  const stopping = new AbortController();
  const waiting = call(stopping.signal);
  await clock.advance(1000);
  stopping.abort(new Error('stopping'));
  await expect(waiting).rejects.toThrow('stopping');
  expect(clock.sleepers()).toBe(0);
});
