import { expect, test, vi } from 'vitest';
import { StoreError } from '../../src/store/store-error.ts';
import { createWritability } from '../../src/store/writability.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { SILENT_LOG } from '../support/store.ts';

/** A store that cannot be written until `works` is set, and how that was noticed. */
function brokenStore() {
  const clock = createFakeClock();
  const state = { works: false, reason: 'the disk is full' };
  const tried: number[] = [];
  const log = { ...SILENT_LOG, info: vi.fn(), error: vi.fn() };
  const tryWrite = () => {
    tried.push(clock.monotonicNow());
    return state.works ? Promise.resolve() : Promise.reject(new StoreError(state.reason));
  };
  return { clock, state, tried, log, writability: createWritability(tryWrite, clock, log) };
}

test('a store counts as writable, without test writes, until a write fails', async () => {
  const { clock, tried, log, writability } = brokenStore();
  await clock.advance(60_000);
  expect(writability.failure).toBeUndefined();
  expect(tried).toEqual([]);
  expect(log.error).not.toHaveBeenCalled();
});

test('after a failed write a test write is made every five seconds until one succeeds', async () => {
  const { clock, state, tried, writability } = brokenStore();
  writability.onFailure(new StoreError('it is locked'));
  expect(writability.failure).toBe('it is locked');
  await clock.advance(4999);
  expect(tried).toEqual([]);
  await clock.advance(5001);
  expect(tried).toEqual([5000, 10_000]);
  expect(writability.failure).toBe('the disk is full');
  state.reason = 'the disk is broken';
  await clock.advance(5000);
  expect(writability.failure).toBe('the disk is broken');
  state.works = true;
  await clock.advance(5000);
  expect(writability.failure).toBeUndefined();
  await clock.advance(60_000);
  expect(tried).toEqual([5000, 10_000, 15_000, 20_000]);
});

test('the log reports once that a store cannot be written, and once that it can be written again', async () => {
  const { clock, state, log, writability } = brokenStore();
  for (const reason of ['first', 'second', 'third']) writability.onFailure(new StoreError(reason));
  await clock.advance(30_000);
  expect(log.error.mock.calls).toEqual([[{ error: 'first' }, 'store cannot be written']]);
  expect(log.info).not.toHaveBeenCalled();
  state.works = true;
  await clock.advance(5000);
  expect(log.info.mock.calls).toEqual([['store can be written again']]);
  writability.onFailure(new StoreError('again'));
  await clock.advance(5000);
  expect(log.error).toHaveBeenCalledTimes(2);
  expect(log.info).toHaveBeenCalledTimes(2);
});

test('many failures lead to one test write at a time', async () => {
  const { clock, tried, writability } = brokenStore();
  for (let failure = 0; failure < 100; failure += 1) writability.onFailure(new StoreError('it is full'));
  await clock.advance(5000);
  expect(tried).toEqual([5000]);
  expect(writability.failure).toBe('the disk is full');
});

test('a closed store makes no test writes', async () => {
  const { clock, tried, writability } = brokenStore();
  writability.onFailure(new StoreError('it is full'));
  await clock.advance(5000);
  writability.close();
  await clock.advance(60_000);
  expect(tried).toEqual([5000]);
  expect(clock.sleepers()).toBe(0);
});
