import { describe, expect, it, onTestFinished } from 'vitest';
import { createBottleneckLimiter } from '../../src/limiter/bottleneck-limiter.ts';
import { LimiterClosedError } from '../../src/limiter/limiter.ts';

function limiterOf(perSecond: number, maxConcurrent: number) {
  const limiter = createBottleneckLimiter({ perSecond, maxConcurrent });
  onTestFinished(() => limiter.close());
  return limiter;
}

/** Returns the start times of `count` jobs. */
async function startsOf(limiter: ReturnType<typeof limiterOf>, count: number): Promise<number[]> {
  const starts: number[] = [];
  await Promise.all(
    Array.from({ length: count }, () =>
      limiter.schedule(() => Promise.resolve(starts.push(performance.now()))),
    ),
  );
  return starts;
}

describe('createBottleneckLimiter', () => {
  it('spaces the starts of jobs evenly', async () => {
    const starts = await startsOf(limiterOf(50, 4), 6);
    // Timers end late, never much too early: five distances of 20 ms.
    expect(starts.at(-1)! - starts[0]!).toBeGreaterThan(90);
  });

  it('runs no more jobs at once than allowed', async () => {
    const limiter = limiterOf(1000, 2);
    const gate = Promise.withResolvers<undefined>();
    let running = 0;
    let most = 0;
    const both = Promise.withResolvers<undefined>();
    const jobs = Array.from({ length: 5 }, () =>
      limiter.schedule(async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 2) both.resolve(undefined);
        await gate.promise;
        running -= 1;
      }),
    );
    await both.promise;
    gate.resolve(undefined);
    await Promise.all(jobs);
    expect(most).toBe(2);
  });

  it("passes on a job's result or error, and continues after an error", async () => {
    const limiter = limiterOf(1000, 1);
    const failure = new TypeError('of the job');
    await expect(limiter.schedule(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(await limiter.schedule(() => Promise.resolve('fine'))).toBe('fine');
  });

  it('applies a lowered rate to the next job', async () => {
    const limiter = limiterOf(100, 2);
    let startedAt = 0;
    await limiter.schedule(() => Promise.resolve((startedAt = performance.now())));
    const next = limiter.schedule(() => Promise.resolve(performance.now()));
    limiter.setRate(5);
    expect((await next) - startedAt).toBeGreaterThan(190);
  });

  it('applies a raised rate after the next job', async () => {
    const limiter = limiterOf(20, 2);
    await startsOf(limiter, 1);
    limiter.setRate(1000);
    const began = performance.now();
    await startsOf(limiter, 20);
    expect(performance.now() - began).toBeLessThan(20 * 50); // what the old rate would take
  });

  it('drops waiting jobs when closed and lets running jobs finish', async () => {
    const limiter = limiterOf(1, 3);
    const gate = Promise.withResolvers<string>();
    const started = Promise.withResolvers<undefined>();
    const running = limiter.schedule(() => {
      started.resolve(undefined);
      return gate.promise;
    });
    await started.promise;
    const waiting = [1, 2].map(() => limiter.schedule(() => Promise.resolve('must not run')));
    const settled = Promise.allSettled(waiting);
    await limiter.close();
    for (const result of await settled) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(LimiterClosedError) as unknown });
    }
    gate.resolve('done');
    expect(await running).toBe('done');
    await expect(limiter.schedule(() => Promise.resolve())).rejects.toBeInstanceOf(LimiterClosedError);
    await limiter.close();
  });

  it('does not wait for a lowered rate after it is closed', async () => {
    const limiter = limiterOf(100, 1);
    await limiter.schedule(() => Promise.resolve());
    const next = limiter.schedule(() => Promise.resolve('must not run'));
    limiter.setRate(1 / 60);
    const settled = expect(next).rejects.toBeInstanceOf(LimiterClosedError);
    await limiter.close();
    await settled;
  });
});
