import { setTimeout as pause } from 'node:timers/promises';
import { recordFailure } from '../../support/record-final.ts';
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
  const { events: stored } = await delivery.store.reading.feed({ after: 0, limit: warmUp + events });
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

const NOTHING: Delays = { p50: NaN, p99: NaN };

const EVERY_MS = 50;
const NAMES = ['alone', 'bad', 'well'] as const;

/**
 * The p99 of a receiver that is well, while five kinds of bad ones, `each` of a kind, get the same events; over that of the same
 * receiver alone, and over that beside as many others that are well.
 */
export async function besideBadOnes(load: {
  readonly rounds: number;
  readonly each: number;
  readonly events: number;
  readonly warmUp: number;
}) {
  const bad = BAD.flatMap((behaviour) => Array.from({ length: load.each }, () => behaviour));
  await using sink = await startSink(['well']);
  // In other processes: what is compared is what the sender does, not what one receiver does to another.
  await using badOnes = await startSink(bad, { inBackground: true });
  await using wellOnes = await startSink(
    bad.map(() => 'well' as const),
    { inBackground: true },
  );
  const measured = async (others: readonly string[]): Promise<Delays> => {
    const urls = [...sink.urls, ...others];
    const names = urls.map((_, index) => (index === 0 ? 'well' : `other-${index}`));
    const all = await delays(names, urls, sink, { ...load, everyMs: EVERY_MS });
    return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
  };
  const situations = { alone: [], bad: badOnes.urls, well: wellOnes.urls } as const;
  const rounds: Readonly<Record<keyof typeof situations, Delays>>[] = [];
  for (let round = 0; round < load.rounds; round += 1) {
    const delaysOf = { alone: NOTHING, bad: NOTHING, well: NOTHING };
    const first = round % NAMES.length;
    // Each goes first as often as another.
    for (const name of [...NAMES.slice(first), ...NAMES.slice(0, first)])
      delaysOf[name] = await measured(situations[name]);
    rounds.push(delaysOf);
  }
  return {
    healthyP99Ratio: median(rounds.map((round) => round.bad.p99 / round.alone.p99)),
    healthyP50Ratio: median(rounds.map((round) => round.bad.p50 / round.alone.p50)),
    healthyP99OverWellOnesRatio: median(rounds.map((round) => round.bad.p99 / round.well.p99)),
    healthyP99AloneMs: median(rounds.map((round) => round.alone.p99)),
    healthyP99BesideBadMs: median(rounds.map((round) => round.bad.p99)),
    healthyP99BesideWellMs: median(rounds.map((round) => round.well.p99)),
    badReceivers: bad.length,
  };
}
