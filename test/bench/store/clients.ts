// Clients that register executions, in a process of their own so that their work is not that of the bench. Forked; told by
// messages what to do, and ends when it is disconnected.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';

/** Each client has a connection of its own and sends one request at a time. */
export interface Order {
  readonly url: string;
  readonly token: string;
  readonly clients: number;
  /** If given, the clients go on for so long after a warm-up. Otherwise each sends one request, all at once. */
  readonly going?: { readonly warmUpMs: number; readonly measureMs: number };
}

/** The requests that were answered while it was measured. */
export interface Report {
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
  /** How many answers had each status, or `error` if none came. */
  readonly statuses: Readonly<Record<string, number>>;
}

async function register(client: Client, token: string): Promise<string> {
  try {
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: '/v1/executions',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ lifecycleExecutionId: `lce-${randomUUID()}` }),
    });
    await body.dump();
    return String(statusCode);
  } catch {
    return 'error';
  }
}

async function openConnection(client: Client): Promise<void> {
  const { body } = await client.request({ method: 'GET', path: '/livez' });
  await body.dump();
}

async function obey({ url, token, clients: count, going }: Order): Promise<Report> {
  const clients = Array.from({ length: count }, () => new Client(url));
  // A connection takes its time to be accepted, which is not the store's.
  await Promise.all(clients.map(openConnection));

  let latenciesMs: number[] = [];
  let statuses: Record<string, number> = {};
  const registerTimed = async (client: Client) => {
    const sentTick = performance.now();
    const status = await register(client, token);
    latenciesMs.push(performance.now() - sentTick);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };

  let startedTick = performance.now();
  let report: Report;
  if (going === undefined) {
    await Promise.all(clients.map(registerTimed));
    report = { seconds: (performance.now() - startedTick) / 1000, latenciesMs, statuses };
  } else {
    let isGoing = true;
    const all = clients.map(async (client) => {
      while (isGoing) await registerTimed(client);
    });
    await sleep(going.warmUpMs);
    startedTick = performance.now();
    latenciesMs = [];
    statuses = {};
    await sleep(going.measureMs);
    report = {
      seconds: (performance.now() - startedTick) / 1000,
      latenciesMs: [...latenciesMs],
      statuses: { ...statuses },
    };
    isGoing = false;
    await Promise.all(all);
  }
  await Promise.all(clients.map((client) => client.close()));
  return report;
}

process.on('message', (order: Order) => {
  void obey(order).then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit(0));
