import { describe, expect, it } from 'vitest';
import type { CallFailure } from '../../../src/domain/call/outcome.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { executionId } from '../../support/executions.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, denied, drivePoller } from '../drive-poller.ts';

const EVERY_SECONDS = 300;
const ROUND_MS = EVERY_SECONDS * SECOND_MS;
const arnOf = (name: string) => `arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/${name}`;
const REJECTED: CallFailure = { outcome: 'rejected', message: 'no such token' };

interface Run {
  readonly number: number;
  status: string;
  readonly startTime: number;
}

/** An Image Builder with policies and their runs, in pages of `pageSize`. */
function account(clock: () => FakeClock, pageSize = 25) {
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
    /** Starts a run now, `agoMs` ago. */
    run(policy: string, number: number, status = 'IN_PROGRESS', agoMs = 0): Run {
      const startTime = clock().now() - agoMs;
      const known = policies.get(policy) ?? { runs: [] };
      policies.set(policy, known);
      const run = { number, status, startTime };
      known.runs.push(run);
      known.lastRunAt = Math.max(known.lastRunAt ?? 0, startTime);
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

/** A poller that discovers in an account; the first round is over unless `prepare` is given something to find. */
async function discovering(
  prepare: (aws: ReturnType<typeof account>) => void = () => undefined,
  pageSize = 25,
) {
  const made: { clock?: FakeClock } = {};
  const aws = account(() => {
    if (made.clock === undefined) throw new Error('no clock yet');
    return made.clock;
  }, pageSize);
  const at = await drivePoller({
    everySeconds: EVERY_SECONDS,
    begin: (clock, lists) => {
      made.clock = clock;
      prepare(aws);
      lists(aws.lists);
    },
  });
  await at.clock.advance(SECOND_MS);
  return { ...at, aws };
}

describe('discovery', { timeout: 60_000 }, () => {
  it('takes its first round as baseline: what runs is tracked, what is over is no news', async () => {
    const { find, types, aws } = await discovering((there) => {
      there.run('golden', 1, 'SUCCESS', 48 * HOUR_MS);
      there.run('golden', 2, 'FAILED', 24 * HOUR_MS);
      there.run('golden', 3, 'IN_PROGRESS', MINUTE_MS);
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

  it('finds what begins, and what ended between two rounds', async () => {
    const { clock, find, types, aws } = await discovering((there) => there.policy('golden'));
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

  it('goes on from its marks after a restart, and after what was found is forgotten', async () => {
    const { clock, find, types, aws, restart, forgetEnded } = await discovering((there) =>
      there.policy('golden'),
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

  it('has a baseline for each policy only until its first round has come to an end', async () => {
    const { clock, types, aws, find } = await discovering((there) => {
      there.run('broken', 1, 'SUCCESS', HOUR_MS);
      there.run('golden', 2, 'SUCCESS', HOUR_MS);
      there.troubles.set('broken', REJECTED);
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

  it('makes no baseline of a new policy because of another that cannot be listed', async () => {
    const { clock, find, types, aws, restart } = await discovering((there) => {
      there.run('forbidden', 1, 'SUCCESS', HOUR_MS);
      there.troubles.set('forbidden', REJECTED);
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

  it('leaves alone what was deleted, and tracks anew what was not found', async () => {
    const { clock, find, register, remove, types, aws, answer } = await discovering((there) =>
      there.policy('golden'),
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

  it('counts a list that shows a tracked execution as its look', async () => {
    const { clock, find, aws, calls, answer, types } = await discovering((there) => there.run('golden', 1));
    answer(1, 'IN_PROGRESS');
    const run = aws.run('golden', 2);
    await clock.advance(ROUND_MS - 20 * SECOND_MS);
    const before = calls.length;
    run.status = 'SUCCESS';
    await clock.advance(40 * SECOND_MS);
    expect(await find(2)).toMatchObject({ tracking: 'finished', status: 'SUCCESS' });
    expect(await types()).toEqual(['execution.succeeded']);
    const looks = calls.slice(before).filter(({ what }) => what === executionId(2));
    expect(looks).toEqual([]);
  });

  it('skips policies that cannot have run since, and reads no further than what it knows', async () => {
    const { clock, aws } = await discovering((there) => {
      for (let number = 1; number <= 6; number += 1)
        there.run('golden', number, 'SUCCESS', number * 24 * HOUR_MS);
    }, 2);
    expect(aws.listed).toEqual(['policies', 'golden', 'golden', 'golden']);
    aws.listed.length = 0;
    // Its last run began a day ago: nothing is listed but the policies.
    await clock.advance(2 * ROUND_MS);
    expect(aws.listed).toEqual(['policies', 'policies']);
    aws.run('golden', 7);
    aws.listed.length = 0;
    await clock.advance(ROUND_MS);
    expect(aws.listed).toEqual(['policies', 'golden']);
    // An hour after it began it is quiet again; a day after the first list comes one in full.
    await clock.advance(2 * HOUR_MS);
    aws.listed.length = 0;
    await clock.advance(20 * HOUR_MS);
    expect(aws.listed).not.toContain('golden');
    await clock.advance(3 * HOUR_MS);
    expect(aws.listed.filter((name) => name === 'golden')).toHaveLength(4);
  });

  it('reads lists in full whose order is not that of time', async () => {
    const { clock, aws, find } = await discovering((there) => {
      there.orderIs('oldest-first');
      for (let number = 1; number <= 6; number += 1)
        there.run('golden', number, 'SUCCESS', (7 - number) * HOUR_MS);
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

  it('counts for the reachability of its target, whatever else AWS answers, and goes on when that is back', async () => {
    const { clock, types, aws, find } = await discovering((there) => there.policy('golden'));
    aws.troubles.set('policies', denied);
    await clock.advance(10 * ROUND_MS);
    expect(await types()).toEqual(['target.unreachable']);
    aws.troubles.clear();
    await clock.advance(ROUND_MS);
    expect(await types()).toEqual(['target.unreachable', 'target.recovered']);
    aws.run('golden', 1, 'SUCCESS');
    await clock.advance(ROUND_MS);
    expect(await find(1)).toMatchObject({ tracking: 'finished' });
  });

  it('makes no call while its target is paused', async () => {
    const { clock, aws, pause, resume } = await discovering((there) => there.policy('golden'));
    await pause();
    aws.listed.length = 0;
    await clock.advance(10 * ROUND_MS);
    expect(aws.listed).toEqual([]);
    await resume();
    await clock.advance(0);
    expect(aws.listed[0]).toBe('policies');
  });
});
