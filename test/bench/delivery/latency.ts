import { setTimeout as pause } from 'node:timers/promises';
import { recordFailure } from '../../support/recorded.ts';
import { median, percentile, startDelivery, startSink } from './stage.ts';
import type { Behaviour } from './sink.ts';

interface Load {
  readonly events: number;
  readonly everyMs: number;
  /** So many come before those that count: a daemon runs for months, and its first second is not what is asked for. */
  readonly warmUp: number;
}

/** Milliseconds from the record of each event, durable, to its arrival at the endpoint that is well. */
async function delays(
  names: readonly string[],
  urls: readonly string[],
  sink: Awaited<ReturnType<typeof startSink>>,
  { events, everyMs, warmUp }: Load,
): Promise<readonly number[]> {
  await using delivery = await startDelivery(
    urls.map((url, index) => ({ name: names[index] ?? '', url, timeoutMs: 2000 })),
  );
  delivery.dispatcher.start();
  const recorded: number[] = [];
  for (let number = 0; number < warmUp + events; number += 1) {
    await recordFailure(delivery.store, number, names, Date.now());
    recorded.push(performance.timeOrigin + performance.now());
    for (const name of names) delivery.dispatcher.wake(name);
    await pause(everyMs);
  }
  const { events: stored } = await delivery.store.feed({ after: 0, limit: warmUp + events });
  const found = new Map<string, number>();
  while (found.size < warmUp + events) {
    for (const [id, at] of await sink.take()) found.set(id, at);
    await pause(20);
  }
  return stored
    .map(({ id }, index) => Math.max(0, (found.get(id) ?? NaN) - (recorded[index] ?? NaN)))
    .slice(warmUp);
}

/** Of a change that is recorded while nothing else happens: how long until its first attempt arrives, p99. */
export async function firstAttempts({ events }: { readonly events: number }) {
  await using sink = await startSink(['well']);
  const all = await delays(['well'], sink.urls, sink, { events, everyMs: 20, warmUp: 20 });
  return { firstAttemptP50Ms: percentile(all, 0.5), firstAttemptP99Ms: percentile(all, 0.99) };
}

const BAD: readonly Behaviour[] = ['slow', 'failing', 'throttling', 'hanging', 'resetting'];

interface Delays {
  readonly p50: number;
  readonly p99: number;
}

/** Until the first repeats, which come after 5 s and a fifth, are a part of what is measured. */
const WARM_UP = { everyMs: 50, warmUp: 130 } as const;

/** The p99 of a receiver that is well, while five kinds of bad ones, `each` of a kind, get the same events; over without. */
export async function besideBadOnes(load: {
  readonly pairs: number;
  readonly each: number;
  readonly events: number;
}) {
  const bad = BAD.flatMap((behaviour) => Array.from({ length: load.each }, () => behaviour));
  await using sink = await startSink(['well']);
  // In another process: what is compared is what the sender does, not what one receiver does to another.
  await using others = await startSink(bad, { inBackground: true });
  const urls = [...sink.urls, ...others.urls];
  const names = urls.map((_, index) => (index === 0 ? 'well' : `bad-${index}`));
  const measured = async (count: number) => {
    const all = await delays(names.slice(0, count), urls.slice(0, count), sink, {
      ...load,
      ...WARM_UP,
    });
    return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
  };
  await measured(names.length);
  const runs: { readonly beside: Delays; readonly alone: Delays }[] = [];
  for (let pair = 0; pair < load.pairs; pair += 1) {
    // Each goes first as often as the other.
    const first = pair % 2 === 0 ? await measured(1) : undefined;
    const beside = await measured(names.length);
    runs.push({ beside, alone: first ?? (await measured(1)) });
  }
  return {
    healthyP99Ratio: median(runs.map(({ beside, alone }) => beside.p99 / alone.p99)),
    healthyP50Ratio: median(runs.map(({ beside, alone }) => beside.p50 / alone.p50)),
    healthyP99AloneMs: median(runs.map(({ alone }) => alone.p99)),
    healthyP99BesideMs: median(runs.map(({ beside }) => beside.p99)),
    badReceivers: bad.length,
  };
}
