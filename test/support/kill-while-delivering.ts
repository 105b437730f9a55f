import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { startDaemon, temporaryDirectory } from './daemon.ts';
import { startAnswering } from './receivers.ts';
import type { Answering } from './receivers.ts';
import { recordFailure } from './record-final.ts';
import { WEBHOOK_SECRET } from './secrets.ts';
import { openStoreAt } from './store.ts';

const LIMIT_MS = 120_000;
const SLOW_MS = 20;
/** Of each endpoint. */
const SLOTS = 32;

/** What was found when all was over. */
export interface Killed {
  readonly kills: number;
  readonly deliveries: number;
  readonly requests: number;
  /** Requests that had come by a kill and that the store did not know of: at most as many as slots, at each of them. */
  readonly unsettled: number;
  /** Requests beyond those that the store knows of in the end. */
  readonly repeats: number;
  /** Faults, each in words; none where everything is right. */
  readonly faults: readonly string[];
}

/** How each kind of receiver answers. The store of one that fails at first knows more than one attempt. */
function answerings(): Readonly<Record<string, Answering>> {
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

/** `endpoint eventId` of every delivery, with how many attempts are known. */
function deliveriesIn(path: string) {
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = database
    .prepare(
      `select endpoint || ' ' || events.id as name, endpoint, state, body,
        json_array_length('[' || coalesce(attempt_log, '') || ']') as attempts
      from deliveries join events on position = event_position`,
    )
    .all();
  return rows as unknown as readonly {
    readonly name: string;
    readonly endpoint: string;
    readonly state: string;
    readonly body: string;
    readonly attempts: number;
  }[];
}

/**
 * Kills a daemon with SIGKILL, again and again, each time in the middle of its deliveries, of which there are always enough;
 * then lets it deliver all that is left, and compares what receivers got with what the store says.
 */
export async function killWhileDelivering(
  { kills, random = Math.random }: { readonly kills: number; readonly random?: () => number },
  tell: (line: string) => void = () => undefined,
): Promise<Killed> {
  await using closing = new AsyncDisposableStack();
  const directory = closing.use(await temporaryDirectory());
  const path = join(directory.path, 'watcher.db');
  const receivers = new Map<string, Awaited<ReturnType<typeof startAnswering>>>();
  for (const [name, answering] of Object.entries(answerings()))
    receivers.set(name, closing.use(await startAnswering(answering)));
  const names = [...receivers.keys()];
  const config = {
    // Nothing answers there: nothing is polled.
    targets: [
      { name: 'none', accountId: '123456789012', region: 'us-east-1', endpoint: 'http://127.0.0.1:9' },
    ],
    endpoints: Array.from(receivers, ([name, { url }]) => ({
      name,
      url,
      secrets: [{ env: 'RECEIVER_SECRET' }],
      maxConcurrent: SLOTS,
      requestsPerSecond: 10_000,
    })),
    egress: { allowPrivateNetworks: true },
  };
  const start = () => startDaemon(directory.path, config, { RECEIVER_SECRET: WEBHOOK_SECRET });
  const requests = () => receivers.values().reduce((sum, receiver) => sum + receiver.received().length, 0);

  const faults: string[] = [];
  /** How many requests with its name the store did not know of at the latest kill. */
  const unknown = new Map<string, number>();
  let unsettled = 0;
  let events = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const waiting = kill === 1 ? 0 : deliveriesIn(path).filter(({ state }) => state === 'pending').length;
    await record(path, names, events, waiting < 2000 ? 600 : 0);
    if (waiting < 2000) events += 600;
    const before = requests();
    await using daemon = await start();
    const wanted = before + 20 + Math.floor(600 * random());
    await until(() => requests() >= wanted, `life ${kill} delivered`);
    await pause(5 * random());
    await daemon.kill('SIGKILL');
    // What was on its way has come by then.
    for (const { connections } of receivers.values())
      await until(async () => (await connections()) === 0, `connections end after kill ${kill}`);
    const came = bodiesByName(receivers);
    const newly = deliveriesIn(path).flatMap(({ name, endpoint, attempts }) => {
      const count = Math.max(0, (came.get(name)?.length ?? 0) - attempts);
      const more = count - (unknown.get(name) ?? 0);
      unknown.set(name, count);
      if (more > 1) faults.push(`kill ${kill}: ${name} was attempted ${more} times at once`);
      return more > 0 ? [endpoint] : [];
    });
    unsettled += newly.length;
    for (const name of names) {
      const count = newly.filter((endpoint) => endpoint === name).length;
      if (count > SLOTS) faults.push(`kill ${kill}: ${count} unsettled at ${name}, which has ${SLOTS} slots`);
    }
    tell(`kill ${kill}: ${requests()} requests, ${newly.length} not settled`);
  }

  await using daemon = await start();
  await until(
    () => deliveriesIn(path).every(({ state }) => state === 'delivered'),
    'everything is delivered',
  );
  await daemon.kill('SIGTERM');
  const deliveries = deliveriesIn(path);
  const got = bodiesByName(receivers);
  let repeats = 0;
  for (const { name, body, attempts } of deliveries) {
    const bodies = got.get(name) ?? [];
    got.delete(name);
    const beyond = Math.max(0, bodies.length - attempts);
    repeats += beyond;
    if (bodies.length === 0) faults.push(`${name} never came`);
    if (bodies.some((came) => came !== body)) faults.push(`${name} came with another body`);
    if (beyond > (unknown.get(name) ?? 0)) faults.push(`${name} came ${beyond} times too often`);
  }
  for (const name of got.keys()) faults.push(`${name} came and is not known`);
  return { kills, deliveries: deliveries.length, requests: requests(), unsettled, repeats, faults };
}

/** What came to each receiver, by `endpoint eventId`. */
function bodiesByName(receivers: ReadonlyMap<string, Awaited<ReturnType<typeof startAnswering>>>) {
  const came = new Map<string, string[]>();
  for (const [endpoint, receiver] of receivers) {
    for (const { id, body } of receiver.received()) {
      const name = `${endpoint} ${id}`;
      const known = came.get(name);
      if (known === undefined) came.set(name, [body]);
      else known.push(body);
    }
  }
  return came;
}

async function record(path: string, endpoints: readonly string[], from: number, count: number) {
  await using store = await openStoreAt(path);
  await Promise.all(
    Array.from({ length: count }, (_, index) => recordFailure(store, from + index, endpoints, Date.now())),
  );
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = performance.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await pause(5);
  }
}
