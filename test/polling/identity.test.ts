import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../src/domain/outcome.ts';
import { confirmIdentity } from '../../src/polling/identity.ts';
import type { IdentityParts } from '../../src/polling/identity.ts';
import { TARGET } from '../support/executions.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function checkOf(answers: readonly CallResult<string>[]) {
  const clock = createFakeClock();
  const askedAt: number[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const parts: IdentityParts = {
    target: TARGET,
    gateway: {
      getExecution: () => Promise.reject(new Error('not asked for')),
      getAccountId: () => {
        askedAt.push(clock.monotonicNow());
        const answer = answers[Math.min(askedAt.length, answers.length) - 1];
        return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer);
      },
      close: () => undefined,
    },
    budget: {
      run: (choose, signal) => choose()?.(signal) ?? Promise.resolve(undefined),
      rate: () => ({ perSecond: 1, ceiling: 1 }),
      setWanted: () => undefined,
      close: () => Promise.resolve(),
    },
    clock,
    random: () => 0.5,
    log: { debug: log, info: log, warn: log, error: log } as unknown as IdentityParts['log'],
  };
  return { clock, askedAt, logged, parts };
}

const account = (value: string): CallResult<string> => ({ outcome: 'ok', value });
const broken: CallResult<string> = { outcome: 'unavailable', message: 'connect ECONNREFUSED' };

describe('the identity check', () => {
  it('passes with credentials of the account', async () => {
    const { parts, logged } = checkOf([account(TARGET.accountId)]);
    expect(await confirmIdentity(parts, new AbortController().signal)).toBe(true);
    expect(logged).toEqual([]);
  });

  it('asks again until it succeeds, ever more rarely, five minutes apart at most', async () => {
    const { clock, askedAt, parts } = checkOf([
      ...Array<typeof broken>(12).fill(broken),
      account(TARGET.accountId),
    ]);
    const confirmed = confirmIdentity(parts, new AbortController().signal);
    await clock.advance(3_600_000);
    expect(await confirmed).toBe(true);
    const gaps = askedAt.slice(1).map((at, index) => (at - (askedAt[index] ?? 0)) / 1000);
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  });

  it('never passes with those of another account, and says whose they are', async () => {
    const stopping = new AbortController();
    const { clock, askedAt, logged, parts } = checkOf([account('999999999999')]);
    const confirmed = confirmIdentity(parts, stopping.signal);
    await clock.advance(86_400_000);
    expect(askedAt.length).toBeGreaterThan(100);
    expect(logged[0]).toMatch(/another account.*999999999999/);
    stopping.abort();
    await clock.advance(0);
    expect(await confirmed).toBe(false);
  });
});
