// Clients that register executions, in a process of their own so that their work does not count as the benchmark's. Forked,
// controlled by messages, and ended by a disconnect.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';

/** Each client has a connection of its own and sends one request at a time. */
export interface Order {
  readonly url: string;
  readonly token: string;
  readonly clients: number;
  /** If given, the clients send requests without a pause, first to warm up and then to measure. Otherwise each sends one. */
  readonly sustained?: { readonly warmUpMs: number; readonly measureMs: number };
}

/** The requests that were answered during the measurement. */
export interface Report {
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
  /** The number of answers by status, or under `error` if there was none. */
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

async function execute({ url, token, clients: count, sustained }: Order): Promise<Report> {
  const clients = Array.from({ length: count }, () => new Client(url));
  // Connections are opened first, because the time to accept them is not the store's.
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
  if (sustained === undefined) {
    await Promise.all(clients.map(registerTimed));
    report = { seconds: (performance.now() - startedTick) / 1000, latenciesMs, statuses };
  } else {
    let isMeasuring = true;
    const all = clients.map(async (client) => {
      while (isMeasuring) await registerTimed(client);
    });
    await sleep(sustained.warmUpMs);
    startedTick = performance.now();
    latenciesMs = [];
    statuses = {};
    await sleep(sustained.measureMs);
    report = {
      seconds: (performance.now() - startedTick) / 1000,
      latenciesMs: [...latenciesMs],
      statuses: { ...statuses },
    };
    isMeasuring = false;
    await Promise.all(all);
  }
  await Promise.all(clients.map((client) => client.close()));
  return report;
}

process.on('message', (order: Order) => {
  void execute(order).then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit(0));
