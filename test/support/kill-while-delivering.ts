import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { startDaemon, temporaryDirectory } from './daemon.ts';
import { startFakeReceiver } from './fake-receiver.ts';
import type { Respond } from './fake-receiver.ts';
import { recordFailure } from './record-final.ts';
import { WEBHOOK_SECRET } from './secrets.ts';
import { openStoreAt } from './store.ts';

const LIMIT_MS = 120_000;
const SLOW_MS = 20;
const SLOTS_PER_ENDPOINT = 32;

/** The result of all kills, and of the deliveries after the last one. */
export interface KillReport {
  readonly kills: number;
  readonly deliveries: number;
  readonly requests: number;
  /** Requests that had arrived before a kill but were unknown to the store: at most one per slot and kill. */
  readonly unsettled: number;
  /** Requests beyond the attempts that the store has in the end. */
  readonly repeats: number;
  /** Descriptions of the faults; empty if everything is right. */
  readonly faults: readonly string[];
}

/** How each receiver answers. Some deliveries to the failing one need more than one attempt. */
function receiverBehaviours(): Readonly<Record<string, Respond>> {
  const failed = new Set<string>();
  return {
    fast: (response) => response.writeHead(204).end(),
    slow: (response) => void setTimeout(() => response.writeHead(204).end(), SLOW_MS),
    failing: (response, { id }) => {
      const isFirst = !failed.has(id) && id < '4';
      failed.add(id);
      response.writeHead(isFirst ? 500 : 204).end();
    },
  };
}

type FakeReceiver = Awaited<ReturnType<typeof startFakeReceiver>>;
/** By the name of the endpoint. */
type Receivers = ReadonlyMap<string, FakeReceiver>;
/** The bodies of requests, by `endpoint eventId`. */
type BodiesByName = ReadonlyMap<string, readonly string[]>;

interface StoredDelivery {
  readonly name: string;
  readonly endpoint: string;
  readonly state: string;
  readonly body: string;
  readonly attempts: number;
}

/** Reads every delivery, named `endpoint eventId`, and the number of its stored attempts. */
function deliveriesIn(path: string): readonly StoredDelivery[] {
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = database
    .prepare(
      `select endpoint || ' ' || events.id as name, endpoint, state, body,
        json_array_length('[' || coalesce(attempt_log, '') || ']') as attempts
      from deliveries join events on position = event_position`,
    )
    .all();
  return rows as unknown as readonly StoredDelivery[];
}

/** One target at which nothing listens, so that nothing is polled, and an endpoint for each receiver. */
function configFor(receivers: Receivers) {
  return {
    targets: [
      { name: 'none', accountId: '123456789012', region: 'us-east-1', endpoint: 'http://127.0.0.1:9' },
    ],
    endpoints: Array.from(receivers, ([name, { url }]) => ({
      name,
      url,
      secrets: [{ env: 'RECEIVER_SECRET' }],
      maxConcurrent: SLOTS_PER_ENDPOINT,
      requestsPerSecond: 10_000,
    })),
    egress: { allowPrivateNetworks: true },
  };
}

/** Compares the requests that receivers got with the attempts in the store. */
class Comparison {
  readonly faults: string[] = [];
  unsettled = 0;
  repeats = 0;
  /** By name of the delivery: the requests that were unknown to the store at the latest kill. */
  readonly #unknownRequests = new Map<string, number>();

  /** Returns the number of requests that the store does not know because of this kill. */
  afterKill(kill: number, deliveries: readonly StoredDelivery[], received: BodiesByName): number {
    const newlyUnsettled = deliveries.flatMap(({ name, endpoint, attempts }) => {
      const count = Math.max(0, (received.get(name)?.length ?? 0) - attempts);
      const more = count - (this.#unknownRequests.get(name) ?? 0);
      this.#unknownRequests.set(name, count);
      if (more > 1) this.faults.push(`kill ${kill}: ${name} was attempted ${more} times at once`);
      return more > 0 ? [endpoint] : [];
    });
    for (const [name, { length }] of Map.groupBy(newlyUnsettled, (endpoint) => endpoint)) {
      if (length > SLOTS_PER_ENDPOINT)
        this.faults.push(
          `kill ${kill}: ${length} unsettled at ${name}, which has ${SLOTS_PER_ENDPOINT} slots`,
        );
    }
    this.unsettled += newlyUnsettled.length;
    return newlyUnsettled.length;
  }

  atEnd(deliveries: readonly StoredDelivery[], received: BodiesByName): void {
    const names = new Set(deliveries.map(({ name }) => name));
    for (const { name, body, attempts } of deliveries) {
      const bodies = received.get(name) ?? [];
      const extra = Math.max(0, bodies.length - attempts);
      this.repeats += extra;
      if (bodies.length === 0) this.faults.push(`${name} never arrived`);
      if (bodies.some((other) => other !== body)) this.faults.push(`${name} arrived with another body`);
      if (extra > (this.#unknownRequests.get(name) ?? 0))
        this.faults.push(`${name} arrived ${extra} times too often`);
    }
    for (const name of received.keys())
      if (!names.has(name)) this.faults.push(`${name} arrived but is not in the store`);
  }
}

/**
 * Kills a daemon with SIGKILL `kills` times, each time while it delivers; then lets it deliver the rest, and compares the
 * requests that receivers got with the attempts in the store.
 */
export async function killWhileDelivering(
  { kills, random = Math.random }: { readonly kills: number; readonly random?: () => number },
  report: (line: string) => void = () => undefined,
): Promise<KillReport> {
  await using closing = new AsyncDisposableStack();
  const directory = closing.use(await temporaryDirectory());
  const path = join(directory.path, 'watcher.db');
  const receivers = new Map<string, FakeReceiver>();
  for (const [name, respond] of Object.entries(receiverBehaviours()))
    receivers.set(name, closing.use(await startFakeReceiver(respond)));
  const names = [...receivers.keys()];
  const config = configFor(receivers);
  const start = () => startDaemon(directory.path, config, { RECEIVER_SECRET: WEBHOOK_SECRET });
  const requests = () => receivers.values().reduce((sum, receiver) => sum + receiver.received().length, 0);

  const comparison = new Comparison();
  let events = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const waiting = kill === 1 ? 0 : deliveriesIn(path).filter(({ state }) => state === 'pending').length;
    await recordFailures(path, names, events, waiting < 2000 ? 600 : 0);
    if (waiting < 2000) events += 600;
    const before = requests();
    await using daemon = await start();
    const wanted = before + 20 + Math.floor(600 * random());
    await until(() => requests() >= wanted, `the daemon delivers before kill ${kill}`);
    await pause(5 * random());
    await daemon.kill('SIGKILL');
    // By then all requests on their way have arrived.
    for (const { connections } of receivers.values())
      await until(async () => (await connections()) === 0, `connections closed after kill ${kill}`);
    const unsettled = comparison.afterKill(kill, deliveriesIn(path), bodiesByName(receivers));
    report(`kill ${kill}: ${requests()} requests, ${unsettled} not settled`);
  }

  await using daemon = await start();
  await until(
    () => deliveriesIn(path).every(({ state }) => state === 'delivered'),
    'everything is delivered',
  );
  await daemon.kill('SIGTERM');
  const deliveries = deliveriesIn(path);
  comparison.atEnd(deliveries, bodiesByName(receivers));
  const { unsettled, repeats, faults } = comparison;
  return { kills, deliveries: deliveries.length, requests: requests(), unsettled, repeats, faults };
}

/** The bodies that receivers got, by `endpoint eventId`. */
function bodiesByName(receivers: Receivers): BodiesByName {
  const bodiesOf = new Map<string, string[]>();
  for (const [endpoint, receiver] of receivers) {
    for (const { id, body } of receiver.received()) {
      const name = `${endpoint} ${id}`;
      const bodies = bodiesOf.get(name);
      if (bodies === undefined) bodiesOf.set(name, [body]);
      else bodies.push(body);
    }
  }
  return bodiesOf;
}

async function recordFailures(path: string, endpoints: readonly string[], from: number, count: number) {
  await using store = await openStoreAt(path);
  await Promise.all(
    Array.from({ length: count }, (_, index) => recordFailure(store, from + index, endpoints, Date.now())),
  );
}

async function until(isTrue: () => boolean | Promise<boolean>, description: string): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > limit) throw new Error(`not within ${LIMIT_MS} ms: ${description}`);
    await pause(5);
  }
}
