import { expect, it } from 'vitest';
import type { CallFailure, CallResult } from '../../../src/domain/call/outcome.ts';
import { NO_NOTICES } from '../../../src/notices/notices.ts';
import { Calls } from '../../../src/polling/calls.ts';
import { Gate } from '../../../src/polling/gate.ts';
import { ListCalls } from '../../../src/polling/lists/list-calls.ts';
import { ListProblems } from '../../../src/polling/lists/list-problems.ts';
import { UnplannedCalls } from '../../../src/polling/unplanned-calls.ts';
import { NEVER } from '../../../src/runtime/abort.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { SILENT_LOG } from '../../support/store.ts';

const OK = { outcome: 'ok', value: 'listed' } as const;
const THROTTLED: CallFailure = { outcome: 'throttled', message: 'slow down' };
const RESET: CallFailure = { outcome: 'unavailable', trouble: 'connection', code: 'ECONNRESET', message: '' };

/**
 * Makes list calls for a target that may be polled. Its budget never waits, and AWS returns `answers` in order, then
 * `ok`.
 */
function listCalls({ perSecond = 10 } = {}) {
  const clock = createFakeClock();
  const sent: number[] = [];
  const reported: string[] = [];
  const answers: CallResult<string>[] = [];
  const looks = { isDue: false };
  const gate = new Gate({
    ledger: { takesWrites: () => true },
    isConfirmed: true,
    bell: { ring: () => undefined },
    clock,
  });
  const use = new UnplannedCalls(clock);
  const calls = new Calls({
    target: 'prod',
    budget: { run: async (choose, signal) => choose()?.(signal) },
    gate,
    witness: { hear: () => undefined },
    reports: {
      report(_operation, { outcome }) {
        reported.push(outcome);
        return Promise.resolve();
      },
      fail: () => Promise.resolve(),
    },
    listProblems: new ListProblems(clock),
    notices: NO_NOTICES,
    clock,
    random: () => 0,
    log: SILENT_LOG,
  });
  const lists = new ListCalls({
    calls,
    gate,
    budget: { rate: () => ({ perSecond, ceiling: perSecond }) },
    schedule: { untilDueMs: () => (looks.isDue ? 0 : Infinity) },
    unplanned: use,
    clock,
  });
  const send = () => {
    sent.push(clock.monotonicNow());
    return Promise.resolve(answers.shift() ?? OK);
  };
  const make = (signal = NEVER, sendOne: () => Promise<CallResult<string>> = send) =>
    lists.make('ListLifecyclePolicies', sendOne, signal);
  return { clock, gate, use, looks, sent, reported, answers, make };
}

it('list calls use the rate that polls leave, and a tenth of the rate while polls leave none', async () => {
  const { clock, sent, looks, make, use } = listCalls();
  await Promise.all([make(), make(), make()]);
  expect(sent).toEqual([0, 0, 0]);
  looks.isDue = true;
  const two = Promise.all([make(), make()]);
  await clock.advance(2000);
  await two;
  expect(sent.slice(3)).toEqual([1000, 2000]);
  expect(use.perSecond()).toBeCloseTo(5 / 60, 1);
  const last = make();
  await clock.advance(300);
  looks.isDue = false;
  await clock.advance(100);
  await last;
  expect(sent.at(-1)).toBe(2400);
  await clock.advance(3_600_000);
  expect(use.perSecond()).toBeCloseTo(0, 6);
});

it('a list call waits while the target is paused', async () => {
  const { clock, sent, gate, make } = listCalls();
  gate.setPaused(true);
  const waiting = make();
  await clock.advance(3_600_000);
  expect(sent).toEqual([]);
  gate.setPaused(false);
  await waiting;
  expect(sent).toEqual([3_600_000]);
});

it('a list call is retried until AWS answers it, and every result is reported', async () => {
  const { clock, reported, answers, make } = listCalls();
  answers.push(THROTTLED, THROTTLED, RESET, OK);
  const result = make();
  await clock.advance(0);
  expect(await result).toBe(OK);
  expect(reported).toEqual(['throttled', 'throttled', 'ok']);
  answers.push({ ...THROTTLED, outcome: 'rejected' });
  expect(await make()).toMatchObject({ outcome: 'rejected' });
  expect(reported.at(-1)).toBe('rejected');
});

it('an abort ends a list call at once, whatever it waits for, and lets the next one through', async () => {
  const { clock, gate, looks, make, sent, reported } = listCalls();
  const expectEnd = async (prepare: () => void) => {
    const abort = new AbortController();
    prepare();
    const waiting = make(abort.signal);
    const refused = expect(waiting).rejects.toThrow();
    await clock.advance(10);
    abort.abort();
    await refused;
  };
  await make();
  await expectEnd(() => (looks.isDue = true));
  await expectEnd(() => gate.setPaused(true));
  gate.setPaused(false);
  looks.isDue = false;
  const abort = new AbortController();
  const hanging = make(abort.signal, () => new Promise<CallResult<string>>(() => undefined));
  const next = make();
  await clock.advance(10);
  abort.abort();
  await expect(hanging).rejects.toThrow();
  await next;
  expect(sent).toHaveLength(2);
  expect(reported).toEqual(['ok', 'ok']);
});

it('a list call that is aborted while the target is paused leaves no timer behind', async () => {
  const { clock, gate, make } = listCalls();
  gate.setPaused(true);
  const stopping = new AbortController();
  const waiting = make(stopping.signal);
  await clock.advance(1000);
  stopping.abort(new Error('stopping'));
  await expect(waiting).rejects.toThrow('stopping');
  expect(clock.sleepers()).toBe(0);
});

it('at least seven tenths of the rate are left for polls', () => {
  const { clock, use } = listCalls();
  expect(use.leftForLooks(10)).toBe(10);
  for (let call = 0; call < 60; call += 1) use.count();
  expect(use.leftForLooks(10)).toBeCloseTo(9);
  for (let call = 0; call < 6000; call += 1) use.count();
  expect(use.leftForLooks(10)).toBe(7);
  expect(clock.sleepers()).toBe(0);
});
