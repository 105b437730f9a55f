import { expect, it } from 'vitest';
import type { CallFailure, CallResult } from '../../src/domain/call/outcome.ts';
import type { TargetProblem } from '../../src/domain/call/reachability.ts';
import { Calls } from '../../src/polling/calls.ts';
import type { CallOptions } from '../../src/polling/calls.ts';
import { ListProblems } from '../../src/polling/lists/list-problems.ts';
import { NEVER } from '../../src/runtime/abort.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { recordNotices } from '../support/notices.ts';

const OK = { outcome: 'ok', value: 'seen' } as const;
const RESET: CallFailure = {
  outcome: 'unavailable',
  trouble: 'connection',
  code: 'ECONNRESET',
  message: 'reset',
};
const MISSING: CallFailure = { outcome: 'missing', message: 'no such execution' };

/** Calls with a budget that never waits. AWS returns `answers` in order, then `ok`. */
function callsOf(answers: readonly CallResult<string>[] = []) {
  const left = [...answers];
  const notices = recordNotices();
  const reported: string[] = [];
  const logged: { readonly level: string; readonly fields: object }[] = [];
  const log = (level: string) => (fields: object) => void logged.push({ level, fields });
  const gate = { isOpen: true };
  const clock = createFakeClock();
  let sent = 0;
  const calls = new Calls({
    target: 'prod',
    budget: { run: async (choose, signal) => choose()?.(signal) },
    gate: { allows: () => gate.isOpen, unconfirm: () => (gate.isOpen = false) },
    witness: { hear: () => undefined },
    reports: {
      report: (_operation, { outcome }) => Promise.resolve(void reported.push(outcome)),
      fail: ({ kind }) => Promise.resolve(void reported.push(kind)),
    },
    listProblems: new ListProblems(clock),
    notices,
    clock,
    random: () => 0,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') } as never,
  });
  const make = (options: Partial<CallOptions<string>> = {}, afterSend: () => void = () => undefined) => {
    const send = () => {
      sent += 1;
      afterSend();
      return Promise.resolve(left.shift() ?? OK);
    };
    return calls.make('GetLifecycleExecution', () => send, { needs: 'open', signal: NEVER, ...options });
  };
  return { make, gate, notices, reported, logged, sent: () => sent };
}

it('a call is reported once, after its last retry, and each of its requests is counted', async () => {
  const { make, notices, reported } = callsOf([RESET, RESET]);
  expect(await make()).toBe(OK);
  expect(reported).toEqual(['ok']);
  const { operation, outcome } = { operation: 'GetLifecycleExecution', outcome: 'unavailable' } as const;
  expect(notices.of('call_ended')).toMatchObject([
    { target: 'prod', operation, outcome },
    { target: 'prod', operation, outcome },
    { target: 'prod', operation, outcome: 'ok' },
  ]);
});

it('no request is sent while the state of the target does not allow it', async () => {
  const { make, gate, reported, sent } = callsOf();
  gate.isOpen = false;
  expect(await make()).toBeUndefined();
  expect(sent()).toBe(0);
  expect(reported).toEqual([]);
});

it('a failed request is not retried once the target is paused, and the call returns the failure', async () => {
  const { make, gate, reported, sent } = callsOf([RESET]);
  const result = await make({}, () => (gate.isOpen = false));
  expect(result).toBe(RESET);
  expect(sent()).toBe(1);
  expect(reported).toEqual(['unavailable']);
});

it('if a successful response reveals a problem of the target, the problem is reported instead of the success', async () => {
  const { make, reported } = callsOf();
  const problem: TargetProblem = { kind: 'wrong_account', message: 'another account', since: 0 };
  expect(await make({ problemIn: (value) => (value === 'seen' ? problem : undefined) })).toBe(OK);
  expect(reported).toEqual(['wrong_account']);
});

it('a failure is logged with its operation and subject; a missing execution only at level debug', async () => {
  const { make, logged } = callsOf([MISSING, { ...RESET, code: 'TimeoutError' }]);
  const about = () => ({ lifecycleExecutionId: 'lce-1' });
  await make({ about });
  await make({ about });
  expect(logged).toMatchObject([
    {
      level: 'debug',
      fields: { operation: 'GetLifecycleExecution', lifecycleExecutionId: 'lce-1', outcome: 'missing' },
    },
    { level: 'warn', fields: { operation: 'GetLifecycleExecution', code: 'TimeoutError' } },
  ]);
});

it('a call that is cut off by a shutdown is not reported', async () => {
  const { make, reported } = callsOf([{ ...RESET, code: 'AbortError' }]);
  const stopping = new AbortController();
  await make({ signal: stopping.signal }, () => stopping.abort());
  expect(reported).toEqual([]);
});
