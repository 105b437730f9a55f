import { expect, onTestFinished, vi } from 'vitest';
import { createDispatcher } from '../../src/delivery/dispatcher.ts';
import type { AttemptResult } from '../../src/domain/delivery/delivery.ts';
import type { Endpoint } from '../../src/delivery/endpoint-lanes.ts';
import type { DeliveryRequest } from '../../src/delivery/sending/sender.ts';
import type { Wishes } from '../../src/domain/execution/execution.ts';
import type { Delivery } from '../../src/http/reading.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { recordNotices } from '../support/notices.ts';
import { createPendingCalls } from '../support/pending-calls.ts';
import { recordFailure } from '../support/record-final.ts';
import { openTemporaryStore } from '../support/store.ts';
import { observeOutbox } from './observed-outbox.ts';

export const HOUR_MS = 3_600_000;

export const DELIVERED: AttemptResult = { outcome: 'delivered', httpStatus: 204 };
export const REJECTED: AttemptResult = { outcome: 'rejected', httpStatus: 500 };

type Answer = (request: DeliveryRequest) => AttemptResult | Promise<AttemptResult>;

/** As the sender does it: an attempt that is cut off has no status. */
export function untilCutOff({ signal }: DeliveryRequest): Promise<AttemptResult> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ outcome: 'unreachable', error: 'cut off' }));
  });
}

/** An attempt. `seconds` is how long after the beginning of the test it was made. */
interface Sent extends DeliveryRequest {
  readonly seconds: number;
  readonly host: string;
}

/** A dispatcher on a clock that is driven, over a real store, with receivers that answer as they are told. */
export async function drive(endpoints: readonly Endpoint[] = [], answer: Answer = () => DELIVERED) {
  const disk = createPendingCalls();
  const clock = createFakeClock(undefined, () => disk.settled());
  const startedAt = clock.now();
  const store = await openTemporaryStore({ clock });
  onTestFinished(() => store[Symbol.asyncDispose]());
  const outbox = observeOutbox(disk.watched(store.outbox));
  const sent: Sent[] = [];
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const notices = recordNotices();
  /** What the configuration allows, and can be changed. */
  const allowed = { secretsOf: (_url: string): readonly string[] | undefined => ['secret'] };
  const dispatcher = createDispatcher({
    outbox,
    sender: {
      async send(request) {
        const seconds = (clock.now() - startedAt) / 1000;
        sent.push({ ...request, seconds, host: new URL(request.url).hostname });
        return answer(request);
      },
    },
    clock,
    random: () => 0.5,
    newId: () => 'test 1',
    log,
    endpoints,
    callbackSecrets: (url) => allowed.secretsOf(url),
    notices,
  });

  let executions = 0;
  /** Records one event for each of these, which goes to the endpoints and, if one is given, to the callback URL. */
  async function record(
    events: readonly (Partial<Wishes> & { readonly endpoints: readonly string[] })[],
  ): Promise<readonly number[]> {
    await Promise.all(
      events.map(({ endpoints: names, ...wishes }) =>
        recordFailure(store, (executions += 1), names, clock.now(), wishes),
      ),
    );
    const { deliveries } = await store.reading.listDeliveries({ limit: events.length });
    return deliveries.map(({ id }) => id).reverse();
  }
  /** All deliveries, the oldest first. */
  async function deliveries(): Promise<readonly Delivery[]> {
    const { deliveries: newestFirst, next } = await store.reading.listDeliveries({ limit: 10_000 });
    expect(next).toBeUndefined();
    return newestFirst.toReversed();
  }

  return {
    clock,
    store,
    outbox,
    dispatcher,
    /** Every attempt, in the order made. */
    sent,
    urls: () => sent.map(({ url }) => url),
    allowed,
    log,
    notices,
    /** Records so many events that are delivered to this endpoint, and returns the ids of their deliveries. */
    add: (endpoint: string, count = 1) =>
      record(Array.from({ length: count }, () => ({ endpoints: [endpoint] }))),
    /** Records an event for each of these callback URLs, and returns the ids of their deliveries. */
    addCallbacks: (...urls: readonly string[]) =>
      record(urls.map((callbackUrl) => ({ endpoints: [], callbackUrl }))),
    deliveries,
    states: async () => (await deliveries()).map(({ state }) => state),
    delivery: async (id: number | undefined): Promise<Delivery> => {
      const found = id === undefined ? undefined : await store.reading.findDelivery(id);
      if (found === undefined) throw new Error(`there is no delivery ${String(id)}`);
      return found;
    },
    /** As the end of the daemon does, when nothing may take any longer. */
    stop: async () => {
      const stopped = dispatcher.stop(AbortSignal.abort());
      await clock.advance(2000);
      await stopped;
    },
  };
}
