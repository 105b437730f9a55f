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

describe('a registration and a removal that become durable together', () => {
  const tracked = new Map<string, Execution>();
  beforeEach(() => tracked.clear());

  /** The registrar over a real store whose answers come in an order that the test decides. */
  async function registering() {
    const store = await openTemporaryStore();
    const held: { register?: Promise<unknown>; remove?: Promise<unknown> } = {};
    const intake: Intake = {
      async register(registrations, at) {
        const results = await store.intake.register(registrations, at);
        await held.register;
        return results;
      },
      async remove(key, at) {
        const removed = await store.intake.remove(key, at);
        await held.remove;
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
            const known = tracked.get(keyText(key));
            if (known !== undefined && known.registration <= upTo) tracked.delete(keyText(key));
          },
        }),
      },
      deliveries: { wake: () => undefined },
    });
    return { registrar, held, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  }

  it('leave nothing tracked if the removal came last, though it is answered first', async () => {
    await using stage = await registering();
    const { registrar, held, store } = stage;
    await registrar.register([registration]);
    const answer = Promise.withResolvers<undefined>();
    held.register = answer.promise;
    const again = registrar.register([{ ...registration, labels: { late: 'yes' } }]);
    await vi.waitFor(async () =>
      expect((await store.reading.findById(executionId(1)))[0]?.labels).toEqual({ late: 'yes' }),
    );
    expect(await registrar.remove(registration)).toBe(true);
    answer.resolve(undefined);
    await again;
    expect(tracked.size).toBe(0);
  });

  it('leave it tracked if it was registered anew, though the removal is answered last', async () => {
    await using stage = await registering();
    const { registrar, held, store } = stage;
    await registrar.register([registration]);
    const answer = Promise.withResolvers<undefined>();
    held.remove = answer.promise;
    const removed = registrar.remove(registration);
    await vi.waitFor(async () => expect(await store.reading.findById(executionId(1))).toEqual([]));
    await registrar.register([registration]);
    answer.resolve(undefined);
    expect(await removed).toBe(true);
    expect([...tracked.values()]).toMatchObject([{ registration: 2 }]);
  });
});
