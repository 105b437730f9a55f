import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Execution } from '../../src/domain/execution/execution.ts';
import { keyText } from '../../src/domain/execution/execution.ts';
import type { Intake } from '../../src/registration/intake.ts';
import { createRegistrar } from '../../src/registration/registrar.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TARGET, executionId } from '../support/executions.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { openTemporaryStore } from '../support/store.ts';

const { accountId, region } = TARGET;
const registration = {
  accountId,
  region,
  lifecycleExecutionId: executionId(1),
  labels: {},
  source: 'api',
} as const;

describe('a registration and a removal of one execution at the same time', () => {
  const tracked = new Map<string, Execution>();
  beforeEach(() => tracked.clear());

  /** Makes a registrar over a real store whose answers a test can delay. */
  async function startRegistrar() {
    const store = await openTemporaryStore();
    const delays: { register?: Promise<unknown>; remove?: Promise<unknown> } = {};
    const intake: Intake = {
      async register(registrations, at) {
        const results = await store.intake.register(registrations, at);
        await delays.register;
        return results;
      },
      async remove(key, at) {
        const removed = await store.intake.remove(key, at);
        await delays.remove;
        return removed;
      },
    };
    const registrar = createRegistrar({
      intake,
      clock: systemClock,
      notices: NO_NOTICES,
      tracking: {
        of: () => ({
          track: (execution) => void tracked.set(keyText(execution), execution),
          forget(key, upTo) {
            const execution = tracked.get(keyText(key));
            if (execution !== undefined && execution.registration <= upTo) tracked.delete(keyText(key));
          },
        }),
      },
      deliveries: { wake: () => undefined },
    });
    return { registrar, delays, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  }

  it('leave it untracked if the removal is stored last, even if it is answered first', async () => {
    await using stage = await startRegistrar();
    const { registrar, delays, store } = stage;
    await registrar.register([registration]);
    const answer = Promise.withResolvers<undefined>();
    delays.register = answer.promise;
    const again = registrar.register([{ ...registration, labels: { late: 'yes' } }]);
    await vi.waitFor(async () =>
      expect((await store.reading.findById(executionId(1)))[0]?.labels).toEqual({ late: 'yes' }),
    );
    expect(await registrar.remove(registration)).toBe(true);
    answer.resolve(undefined);
    await again;
    expect(tracked.size).toBe(0);
  });

  it('leave it tracked if the registration is stored last, even if the removal is answered last', async () => {
    await using stage = await startRegistrar();
    const { registrar, delays, store } = stage;
    await registrar.register([registration]);
    const answer = Promise.withResolvers<undefined>();
    delays.remove = answer.promise;
    const removed = registrar.remove(registration);
    await vi.waitFor(async () => expect(await store.reading.findById(executionId(1))).toEqual([]));
    await registrar.register([registration]);
    answer.resolve(undefined);
    expect(await removed).toBe(true);
    expect([...tracked.values()]).toMatchObject([{ registration: 2 }]);
  });
});
