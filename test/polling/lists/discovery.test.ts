import { describe, expect, it } from 'vitest';
import type { CallFailure } from '../../../src/domain/call/outcome.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { executionId } from '../../support/executions.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, denied, drivePoller, missing, timeout } from '../drive-poller.ts';

const EVERY_SECONDS = 300;
const ROUND_MS = EVERY_SECONDS * SECOND_MS;
const arnOf = (name: string) => `arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/${name}`;
const NO_EXECUTION = 'lce-00000000-0000-0000-0000-000000000000';
const REJECTED: CallFailure = { outcome: 'rejected', message: 'no such token' };

interface Run {
  readonly number: number;
  status: string;
  readonly startTime: number;
}

/** A fake account with lifecycle policies and their runs, listed in pages of `pageSize`. */
function createAccount(clock: () => FakeClock, pageSize = 25) {
  const policies = new Map<string, { readonly runs: Run[]; lastRunAt?: number }>();
  const listed: string[] = [];
  const troubles = new Map<string, CallFailure>();
  let order: 'newest-first' | 'oldest-first' = 'newest-first';
  const page = <T>(all: readonly T[], nextToken = '0') => {
    const from = Number(nextToken);
    const to = from + pageSize;
    return {
      items: all.slice(from, to),
      ...(to < all.length ? { nextToken: String(to) } : {}),
    };
  };
  return {
    listed,
    troubles,
    orderIs: (next: typeof order) => (order = next),
    /** Adds a run of a policy that started `agoMs` ago. */
    run(policy: string, number: number, status = 'IN_PROGRESS', agoMs = 0): Run {
      const startTime = clock().now() - agoMs;
      const entry = policies.get(policy) ?? { runs: [] };
      policies.set(policy, entry);
      const run = { number, status, startTime };
      entry.runs.push(run);
      entry.lastRunAt = Math.max(entry.lastRunAt ?? 0, startTime);
      return run;
    },
    policy: (name: string) => policies.set(name, policies.get(name) ?? { runs: [] }),
    lists: {
      listPolicies: ({ nextToken }: { readonly nextToken?: string }) => {
        listed.push('policies');
        const failure = troubles.get('policies');
        if (failure !== undefined) return Promise.resolve(failure);
        const all = [...policies].map(([name, { lastRunAt }]) => ({
          arn: arnOf(name),
          ...(lastRunAt === undefined ? {} : { lastRunAt }),
        }));
        return Promise.resolve({ outcome: 'ok', value: page(all, nextToken) } as const);
      },
      listExecutions: ({
        policyArn,
        nextToken,
      }: {
        readonly policyArn: string;
        readonly nextToken?: string;
      }) => {
        const name = policyArn.split('/').at(-1) ?? '';
        listed.push(name);
        const failure = troubles.get(name);
        if (failure !== undefined) return Promise.resolve(failure);
        const byTime = (policies.get(name)?.runs ?? []).toSorted((a, b) => b.startTime - a.startTime);
        const at = { sentAt: clock().now(), answeredAt: clock().now() };
        const ticks = { sentTick: clock().monotonicNow(), answeredTick: clock().monotonicNow() };
        const all = (order === 'newest-first' ? byTime : byTime.toReversed()).map(
          ({ number, status, startTime }) => ({
            lifecycleExecutionId: executionId(number),
            observation: { status, startTime, lifecyclePolicyArn: policyArn, ...at, ...ticks },
          }),
        );
        return Promise.resolve({ outcome: 'ok', value: page(all, nextToken) } as const);
      },
    },
  };
}

/** Starts a poller that discovers executions in an account, which `prepare` fills before the first round. */
async function startDiscovery(
  prepare: (account: ReturnType<typeof createAccount>) => void = () => undefined,
  pageSize = 25,
) {
  const driven: { clock?: FakeClock } = {};
  const aws = createAccount(() => {
    if (driven.clock === undefined) throw new Error('no clock yet');
    return driven.clock;
  }, pageSize);
  const poller = await drivePoller({
    everySeconds: EVERY_SECONDS,
    begin: (clock, answerLists) => {
      driven.clock = clock;
      prepare(aws);
      answerLists(aws.lists);
    },
  });
  await poller.clock.advance(SECOND_MS);
  return { ...poller, aws };
}

describe('discovery', { timeout: 60_000 }, () => {
  it('tracks executions that are running in its first round, and does not report those that have ended', async () => {
    const { find, types, aws } = await startDiscovery((account) => {
      account.run('golden', 1, 'SUCCESS', 48 * HOUR_MS);
      account.run('golden', 2, 'FAILED', 24 * HOUR_MS);
      account.run('golden', 3, 'IN_PROGRESS', MINUTE_MS);
    });
    expect(await find(1)).toBeUndefined();
    expect(await find(2)).toBeUndefined();
    expect(await find(3)).toMatchObject({
      tracking: 'active',
      status: 'IN_PROGRESS',
      source: 'discovery',
      lifecyclePolicyArn: arnOf('golden'),
    });
    expect(await types()).toEqual([]);
    expect(aws.listed).toEqual(['policies', 'golden']);
  });

  it('finds executions that started since the last round, even if they have ended', async () => {
    const { clock, find, types, aws } = await startDiscovery((account) => account.policy('golden'));
    aws.run('golden', 1, 'SUCCESS');
    aws.run('new', 2, 'FAILED');
    aws.run('new', 3);
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['execution.succeeded', 'execution.failed']);
    expect(await find(2)).toMatchObject({ tracking: 'finished', source: 'discovery', sequence: 1 });
    expect(await find(3)).toMatchObject({ tracking: 'active', status: 'IN_PROGRESS' });
    await clock.advance(3 * ROUND_MS);
    expect(await types()).toHaveLength(2);
  });

  it.each([
    ['AWS dates its answers', 0],
    ['AWS does not', undefined],
  ])('is not blinded by a round under a clock that is 30 days ahead, if %s', async (_case, dateShiftMs) => {
    const { clock, find, aws, shiftDate, restart } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    shiftDate(dateShiftMs);
    await restart();
    const realAt = clock.now();
    clock.step(30 * 24 * HOUR_MS);
    await clock.advance(ROUND_MS);
    clock.step(-30 * 24 * HOUR_MS);
    expect(clock.now()).toBe(realAt + ROUND_MS);
    aws.run('golden', 1, 'SUCCESS');
    await clock.advance(2 * ROUND_MS);
    expect(await find(1)).toMatchObject({ tracking: 'finished' });
  });

  it('finds executions within two rounds if the clock is 2 hours ahead of that of AWS', async () => {
    const { clock, find, aws } = await startDiscovery((account) => account.policy('golden'));
    clock.step(2 * HOUR_MS);
    aws.run('golden', 1, 'SUCCESS', 2 * HOUR_MS);
    await clock.advance(2 * ROUND_MS);
    aws.run('golden', 2, 'SUCCESS', 2 * HOUR_MS);
    await clock.advance(2 * ROUND_MS);
    expect(await find(2)).toMatchObject({ tracking: 'finished' });
  });

  it('does not find an execution again after a restart, even if retention has deleted it', async () => {
    const { clock, find, types, aws, restart, forgetEnded } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    aws.run('golden', 1, 'SUCCESS');
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['execution.succeeded']);
    await forgetEnded();
    expect(await find(1)).toBeUndefined();
    await restart();
    aws.run('golden', 2, 'CANCELLED');
    await clock.advance(26 * HOUR_MS);
    expect(await find(1)).toBeUndefined();
    expect(await find(2)).toMatchObject({ status: 'CANCELLED' });
  });

  it('reports ended executions of a policy only after the first complete list of that policy', async () => {
    const { clock, types, aws, find } = await startDiscovery((account) => {
      account.run('broken', 1, 'SUCCESS', HOUR_MS);
      account.run('golden', 2, 'SUCCESS', HOUR_MS);
      account.troubles.set('broken', REJECTED);
    });
    aws.run('golden', 3, 'SUCCESS');
    aws.troubles.clear();
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['execution.succeeded']);
    expect(await find(1)).toBeUndefined();
    expect(await find(3)).toMatchObject({ status: 'SUCCESS' });
    aws.run('broken', 4, 'FAILED');
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['execution.succeeded', 'execution.failed']);
  });

  it('reports ended executions of a new policy even if another policy cannot be listed', async () => {
    const { clock, find, types, aws, restart } = await startDiscovery((account) => {
      account.run('forbidden', 1, 'SUCCESS', HOUR_MS);
      account.troubles.set('forbidden', REJECTED);
    });
    aws.run('new', 2, 'FAILED');
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['execution.failed']);
    await restart();
    aws.troubles.clear();
    await clock.advance(ROUND_MS);
    expect(await find(1)).toBeUndefined();
    expect(await types()).toEqual(['execution.failed']);
  });

  it('logs a refused list in one line, with its policy', async () => {
    const { warnings } = await startDiscovery((account) => {
      account.policy('forbidden');
      account.troubles.set('forbidden', REJECTED);
    });
    expect(warnings).toEqual([
      expect.objectContaining({ operation: 'ListLifecycleExecutions', policyArn: arnOf('forbidden') }),
    ]);
    const { warnings: ofPolicies } = await startDiscovery((account) =>
      account.troubles.set('policies', REJECTED),
    );
    expect(ofPolicies).toEqual([expect.objectContaining({ operation: 'ListLifecyclePolicies' })]);
  });

  it('ignores executions that were deleted, and tracks again those that were reported as not found', async () => {
    const { clock, find, register, remove, types, aws, answer } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    answer(1, 'IN_PROGRESS');
    await register([1, 2]);
    await remove(1);
    await clock.advance(15 * MINUTE_MS);
    expect(await find(2)).toMatchObject({ tracking: 'not_found' });
    aws.run('golden', 1);
    aws.run('golden', 2);
    answer(2, 'IN_PROGRESS');
    await clock.advance(2 * ROUND_MS);
    expect(await find(1)).toBeUndefined();
    expect(await find(2)).toMatchObject({ tracking: 'active', source: 'discovery', sequence: 1 });
    expect(await types()).toEqual(['execution.not_found']);
  });

  it('does not poll an execution whose end a list has shown', async () => {
    const { clock, find, aws, calls, answer, types } = await startDiscovery((account) =>
      account.run('golden', 1),
    );
    answer(1, 'IN_PROGRESS');
    const run = aws.run('golden', 2);
    await clock.advance(ROUND_MS - 20 * SECOND_MS);
    const before = calls.length;
    run.status = 'SUCCESS';
    await clock.advance(40 * SECOND_MS);
    expect(await find(2)).toMatchObject({ tracking: 'finished', status: 'SUCCESS' });
    expect(await types()).toEqual(['execution.succeeded']);
    const polls = calls.slice(before).filter(({ subject }) => subject === executionId(2));
    expect(polls).toEqual([]);
  });

  it('skips policies that have not run since, and reads a list no further than to known executions', async () => {
    const { clock, aws } = await startDiscovery((account) => {
      for (let number = 1; number <= 6; number += 1)
        account.run('golden', number, 'SUCCESS', number * 24 * HOUR_MS);
    }, 2);
    expect(aws.listed).toEqual(['policies', 'golden', 'golden', 'golden']);
    aws.listed.length = 0;
    // The last run started a day ago, so only the policies are listed.
    await clock.advance(2 * ROUND_MS);
    expect(aws.listed).toEqual(['policies', 'policies']);
    aws.run('golden', 7);
    aws.listed.length = 0;
    await clock.advance(ROUND_MS);
    expect(aws.listed).toEqual(['policies', 'golden']);
    // The policy is skipped again an hour after its run, and listed in full a day after the first list.
    await clock.advance(2 * HOUR_MS);
    aws.listed.length = 0;
    await clock.advance(20 * HOUR_MS);
    expect(aws.listed).not.toContain('golden');
    await clock.advance(3 * HOUR_MS);
    expect(aws.listed.filter((name) => name === 'golden')).toHaveLength(4);
  });

  it('reads a list to its end if the list is not ordered by time', async () => {
    const { clock, aws, find } = await startDiscovery((account) => {
      account.orderIs('oldest-first');
      for (let number = 1; number <= 6; number += 1)
        account.run('golden', number, 'SUCCESS', (7 - number) * HOUR_MS);
    }, 2);
    aws.run('golden', 7, 'FAILED');
    await clock.advance(ROUND_MS);
    expect(await find(7)).toMatchObject({ status: 'FAILED' });
    expect(aws.listed).toEqual([
      'policies',
      ...Array<string>(3).fill('golden'),
      'policies',
      ...Array<string>(4).fill('golden'),
    ]);
  });

  it('shows a problem of its target and logs it once, but reports nothing, while lists are denied', async () => {
    const { clock, types, aws, find, poller, warnings } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    expect(poller().state()).not.toHaveProperty('problem');
    const startAt = clock.now();
    aws.troubles.set('policies', denied);
    await clock.advance(10 * ROUND_MS);
    expect(await types()).toEqual([]);
    const { isReachable, problem } = poller().state();
    expect({ isReachable, problem }).toEqual({
      isReachable: true,
      problem: {
        kind: 'denied',
        message: 'AccessDenied',
        since: expect.closeTo(startAt + ROUND_MS, -4) as number,
      },
    });
    expect(warnings).toEqual([expect.objectContaining({ operation: 'ListLifecyclePolicies' })]);
    aws.troubles.clear();
    await clock.advance(ROUND_MS);
    expect(poller().state()).not.toHaveProperty('problem');
    aws.run('golden', 1, 'SUCCESS');
    await clock.advance(ROUND_MS);
    expect(await find(1)).toMatchObject({ tracking: 'finished' });
  });

  it('tries whether polls would fail too if lists fail and nothing is tracked', async () => {
    const { clock, types, aws, answerAll, calls, poller } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    aws.troubles.set('policies', timeout);
    const from = calls.length;
    await clock.advance(3 * ROUND_MS + 10 * SECOND_MS);
    expect(await types()).toEqual([]);
    expect(poller().state()).toMatchObject({ isReachable: true, problem: { kind: 'connection' } });
    // One poll for each list that failed: AWS answers that there is no such execution.
    expect(calls.slice(from).map(({ subject }) => subject)).toEqual(Array(3).fill(NO_EXECUTION));
    answerAll(timeout);
    await clock.advance(ROUND_MS + MINUTE_MS);
    expect(await types()).toEqual(['target.unreachable']);
    aws.troubles.clear();
    answerAll(undefined);
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
  });

  it('goes on while all executions are missing, and what it finds is polled next, so that the target recovers', async () => {
    const { clock, types, aws, answer, register, find } = await startDiscovery((account) =>
      account.policy('golden'),
    );
    for (const number of [11, 12, 13]) answer(number, 'PENDING');
    await register([11, 12, 13]);
    await clock.advance(SECOND_MS);
    for (const number of [11, 12, 13]) answer(number, missing);
    await clock.advance(HOUR_MS);
    aws.listed.length = 0;
    await clock.advance(2 * ROUND_MS);
    expect(aws.listed.length).toBeGreaterThan(2);
    expect(await types()).toEqual(['target.unreachable']);
    aws.run('golden', 1);
    answer(1, 'IN_PROGRESS');
    await clock.advance(2 * ROUND_MS);
    expect(await find(1)).toMatchObject({ status: 'IN_PROGRESS' });
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
  });

  it('makes no call while its target is paused', async () => {
    const { clock, aws, pause, resume } = await startDiscovery((account) => account.policy('golden'));
    await pause();
    aws.listed.length = 0;
    await clock.advance(10 * ROUND_MS);
    expect(aws.listed).toEqual([]);
    await resume();
    await clock.advance(0);
    expect(aws.listed[0]).toBe('policies');
  });
});
