import { Agent } from 'undici';
import { recordFailure } from '../../support/record-final.ts';
import { median, startDelivery, startSink } from './stage.ts';

const ENDPOINTS = 32;
const CONCURRENT = 8;

interface Run {
  readonly perSecond: number;
  /** CPU time per delivery of this process, all threads included. */
  readonly cpuMsEach: number;
}

async function measure(count: number, work: () => Promise<void>): Promise<Run> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, cpuMsEach: (user + system) / 1000 / count };
}

/** Posts bodies as fast as `undici` can, and does nothing else. */
async function runBare(urls: readonly string[], bodies: readonly string[]): Promise<Run> {
  const agent = new Agent({ connections: CONCURRENT });
  const loop = async (url: string) => {
    const { origin, pathname: path } = new URL(url);
    let next = 0;
    const headers = { 'content-type': 'application/cloudevents+json' };
    const worker = async () => {
      while (next < bodies.length) {
        const body = bodies[(next += 1) - 1] ?? '';
        const { body: answer } = await agent.request({ origin, path, method: 'POST', headers, body });
        await answer.dump();
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, worker));
  };
  const run = await measure(bodies.length * urls.length, async () => {
    await Promise.all(urls.map(loop));
  });
  await agent.close();
  return run;
}

/** Makes the same number of signed deliveries, one of each event to each endpoint, claimed from SQLite and settled in it. */
async function runDurable(urls: readonly string[], events: number): Promise<Run> {
  const names = urls.map((_, index) => `endpoint-${index}`);
  await using delivery = await startDelivery(
    urls.map((url, index) => ({ name: names[index] ?? '', url, maxConcurrent: CONCURRENT })),
  );
  for (let number = 0; number < events; number += 1)
    await recordFailure(delivery.store, number, names, Date.now() - 60_000);
  const count = events * urls.length;
  return await measure(count, async () => {
    delivery.dispatcher.start();
    await delivery.delivered(count);
  });
}

/** Compares deliveries per second and CPU per delivery of both, in turns. */
export async function compareThroughput({
  pairs,
  events,
}: {
  readonly pairs: number;
  readonly events: number;
}) {
  await using sink = await startSink(Array.from({ length: ENDPOINTS }, () => 'well' as const));
  await using sample = await startDelivery([]);
  await recordFailure(sample.store, 1, [], Date.now());
  const body = (await sample.store.reading.feed({ after: 0, limit: 1 })).events[0]?.body ?? '';
  const bodies = Array.from({ length: events }, () => body);
  await runBare(sink.urls, bodies.slice(0, 100));
  await runDurable(sink.urls, 100);
  const runs: { readonly bare: Run; readonly durable: Run }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // Each goes first equally often.
    const bareFirst = pair % 2 === 0 ? await runBare(sink.urls, bodies) : undefined;
    const durable = await runDurable(sink.urls, events);
    runs.push({ bare: bareFirst ?? (await runBare(sink.urls, bodies)), durable });
    await sink.takeArrivals();
  }
  return {
    durableVsBareLoop: median(runs.map((run) => run.durable.perSecond / run.bare.perSecond)),
    cpuVsBareLoop: median(runs.map((run) => run.durable.cpuMsEach / run.bare.cpuMsEach)),
    durablePerSecond: median(runs.map((run) => run.durable.perSecond)),
    barePerSecond: median(runs.map((run) => run.bare.perSecond)),
    durableCpuUsEach: median(runs.map((run) => run.durable.cpuMsEach)) * 1000,
    bareCpuUsEach: median(runs.map((run) => run.bare.cpuMsEach)) * 1000,
  };
}
