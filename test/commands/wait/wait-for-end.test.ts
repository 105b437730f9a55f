import { describe, expect, it } from 'vitest';
import type { CallFailure, CallResult } from '../../../src/domain/call/outcome.ts';
import type { Observation } from '../../../src/domain/execution/observation.ts';
import { waitForEnd } from '../../../src/commands/wait/wait-for-end.ts';
import type { WaitEnd } from '../../../src/commands/wait/wait-for-end.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { denied, error, missing, timeout } from '../../polling/drive-poller.ts';

const DAY_MS = 86_400_000;

/** Starts a wait in which `answer` determines the result of each look. */
function waiting(answer: (elapsedMs: number) => string | CallFailure) {
  const clock = createFakeClock();
  const beganAt = clock.now();
  const looks: number[] = [];
  const abort = new AbortController();
  let end: WaitEnd | undefined;
  const getExecution = (): Promise<CallResult<Observation>> => {
    const elapsedMs = clock.now() - beganAt;
    looks.push(elapsedMs / 1000);
    const given = answer(elapsedMs);
    if (typeof given !== 'string') return Promise.resolve(given);
    const at = { sentAt: clock.now(), answeredAt: clock.now() };
    const ticks = { sentTick: clock.monotonicNow(), answeredTick: clock.monotonicNow() };
    return Promise.resolve({ outcome: 'ok', value: { status: given, startTime: beganAt, ...at, ...ticks } });
  };
  const budget = {
    run: async (choose: () => ((signal: AbortSignal) => Promise<unknown>) | undefined, signal: AbortSignal) =>
      choose()?.(signal),
    rate: () => ({ perSecond: 2 }),
  } as unknown as Parameters<typeof waitForEnd>[1]['budget'];
  void waitForEnd(
    'lce-1',
    { gateway: { getExecution }, budget, clock, random: () => 0 },
    { timeoutMs: DAY_MS, signal: abort.signal, onSeen: () => undefined, onFailure: () => undefined },
  ).then((ended) => (end = ended));
  return { clock, looks, abort, end: () => end };
}

describe('waitForEnd', () => {
  it('looks often at first and then less and less often', async () => {
    const { clock, looks, abort, end } = waiting(() => 'IN_PROGRESS');
    await clock.advance(19_000);
    expect(looks).toHaveLength(4);
    await clock.advance(DAY_MS / 2);
    expect(looks.at(-1)! - looks.at(-2)!).toBeCloseTo(60, 0);
    abort.abort();
    await clock.advance(0);
    expect(end()).toEqual({ kind: 'stopped' });
  });

  it('gives up an id that AWS does not know after half a minute, unless it was seen before', async () => {
    const never = waiting(() => missing);
    await never.clock.advance(25_000);
    expect(never.end()).toBeUndefined();
    await never.clock.advance(12_000);
    expect(never.end()).toEqual({ kind: 'not_found' });
    const late = waiting((ms) => (ms < 20_000 ? missing : ms < 30_000 ? 'IN_PROGRESS' : missing));
    await late.clock.advance(600_000);
    expect(late.end()).toBeUndefined();
    late.abort.abort();
  });

  it('gives up if AWS denies access or cannot be reached', async () => {
    const refused = waiting(() => denied);
    await refused.clock.advance(0);
    expect(refused.end()).toEqual({ kind: 'broken', message: denied.message });
    expect(refused.looks).toHaveLength(1);
    const gone = waiting(() => timeout);
    await gone.clock.advance(9000);
    expect(gone.end()).toBeUndefined();
    await gone.clock.advance(3000);
    expect(gone.end()).toEqual({ kind: 'broken', message: timeout.message });
  });

  it('survives temporary errors', async () => {
    const { clock, end } = waiting((ms) => (ms < 20_000 ? { ...error, code: 'TimeoutError' } : 'SUCCESS'));
    await clock.advance(30_000);
    expect(end()).toMatchObject({ kind: 'final', status: 'SUCCESS' });
  });
});
