import { fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { createDispatcher } from '../../../src/delivery/dispatcher.ts';
import type { Dispatcher } from '../../../src/delivery/dispatcher.ts';
import type { Endpoint } from '../../../src/delivery/endpoint-lanes.ts';
import { createSender } from '../../../src/delivery/sending/sender.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { WEBHOOK_SECRET } from '../../support/secrets.ts';
import { openTemporaryStore } from '../../support/store.ts';
import type { Behaviour, Order, Report } from './sink.ts';

/**
 * Starts receivers in a process of their own. In the background they take no processor time from others, as if they ran on
 * another machine.
 */
export async function startSink(behaviours: readonly Behaviour[], { inBackground = false } = {}) {
  const child = fork(new URL('./sink.ts', import.meta.url).pathname);
  if (inBackground && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const send = async (order: Order): Promise<Report> => {
    const answer = once(child, 'message');
    child.send(order);
    return ((await answer) as [Report])[0];
  };
  const listening = await send({ listen: behaviours });
  return {
    urls: 'urls' in listening ? listening.urls : [],
    /** Returns the arrivals since the last call. */
    async takeArrivals(): Promise<ReadonlyMap<string, number>> {
      const report = await send({ take: true });
      return new Map('arrived' in report ? report.arrived : []);
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

const silent = () => undefined;
const LOG = {
  debug: silent,
  info: silent,
  warn: silent,
  error: (...entry: unknown[]) => process.stderr.write(`${JSON.stringify(entry)}\n`),
};

/** Starts a store, sender and dispatcher like those of the daemon, with a new SQLite file. */
export async function startDelivery(
  endpoints: readonly (Pick<Endpoint, 'name' | 'url'> & Partial<Endpoint>)[],
) {
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openTemporaryStore());
  const egress = { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false };
  const sender = opening.use(createSender({ egress, clock: systemClock, version: 'bench' }));
  let settled = 0;
  let onSettled = silent as (count: number) => void;
  const dispatcher: Dispatcher = createDispatcher({
    outbox: store.outbox,
    sender,
    clock: systemClock,
    random: Math.random,
    newId: () => 'bench',
    callbackSecrets: () => [],
    log: LOG,
    endpoints: endpoints.map((endpoint) => ({
      lane: endpoint.name,
      secrets: [WEBHOOK_SECRET],
      headers: {},
      timeoutMs: 15_000,
      maxConcurrent: 8,
      requestsPerSecond: 10_000,
      ...endpoint,
    })),
    notices: {
      publish(notice) {
        if (notice.kind === 'delivery_settled' && notice.state === 'delivered') onSettled((settled += 1));
      },
    },
  });
  const open = opening.move();
  return {
    store,
    dispatcher,
    /** Resolves once `count` deliveries have succeeded since the start. */
    delivered: (count: number) =>
      new Promise<void>((resolve) => {
        onSettled = (now) => {
          if (now >= count) resolve();
        };
        onSettled(settled);
      }),
    async [Symbol.asyncDispose]() {
      await dispatcher.stop(AbortSignal.abort());
      await open.disposeAsync();
    },
  };
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
};
export const median = (values: readonly number[]): number => percentile(values, 0.5);
