import { setTimeout as pause } from 'node:timers/promises';
import { recordFailure } from '../../support/record-final.ts';
import { median, percentile, startDelivery, startSink } from './stage.ts';
import type { Behaviour } from './sink.ts';

interface Load {
  readonly events: number;
  readonly everyMs: number;
  /** The number of events before those that count, because the first second of a daemon that runs for months is not typical. */
  readonly warmUp: number;
}

/** Measures the milliseconds from the durable record of each event to its arrival at the healthy endpoint. */
async function measureDelays(
  names: readonly string[],
  urls: readonly string[],
  sink: Awaited<ReturnType<typeof startSink>>,
  { events, everyMs, warmUp }: Load,
): Promise<readonly number[]> {
  await using delivery = await startDelivery(
    urls.map((url, index) => ({ name: names[index] ?? '', url, timeoutMs: 2000 })),
  );
  delivery.dispatcher.start();
  const recordedAt: number[] = [];
  for (let number = 0; number < warmUp + events; number += 1) {
    await recordFailure(delivery.store, number, names, Date.now());
    recordedAt.push(performance.timeOrigin + performance.now());
    for (const name of names) delivery.dispatcher.wake(name);
    await pause(everyMs);
  }
  const { events: stored } = await delivery.store.reading.feed({ after: 0, limit: warmUp + events });
  const arrivedAt = new Map<string, number>();
  while (arrivedAt.size < warmUp + events) {
    for (const [id, at] of await sink.takeArrivals()) arrivedAt.set(id, at);
    await pause(20);
  }
  return stored
    .map(({ id }, index) => Math.max(0, (arrivedAt.get(id) ?? NaN) - (recordedAt[index] ?? NaN)))
    .slice(warmUp);
}

/** Measures the time from the record of a change to the arrival of its first attempt, while nothing else happens. */
export async function firstAttempts({ events }: { readonly events: number }) {
  await using sink = await startSink(['well']);
  const delays = await measureDelays(['well'], sink.urls, sink, { events, everyMs: 20, warmUp: 20 });
  return { firstAttemptP50Ms: percentile(delays, 0.5), firstAttemptP99Ms: percentile(delays, 0.99) };
}

const BAD: readonly Behaviour[] = ['slow', 'failing', 'throttling', 'hanging', 'resetting'];

interface Delays {
  readonly p50: number;
  readonly p99: number;
}

const UNMEASURED: Delays = { p50: NaN, p99: NaN };

const EVERY_MS = 50;
const NAMES = ['alone', 'bad', 'well'] as const;

/**
 * Measures the p99 of a healthy receiver while `each` receivers of five bad kinds get the same events, relative to its p99
 * alone, and to its p99 beside as many healthy ones.
 */
export async function besideBadOnes(load: {
  readonly rounds: number;
  readonly each: number;
  readonly events: number;
  readonly warmUp: number;
}) {
  const bad = BAD.flatMap((behaviour) => Array.from({ length: load.each }, () => behaviour));
  await using sink = await startSink(['well']);
  // In other processes, because the sender is measured, not the effect of receivers on each other.
  await using badOnes = await startSink(bad, { inBackground: true });
  await using wellOnes = await startSink(
    bad.map(() => 'well' as const),
    { inBackground: true },
  );
  const measureBeside = async (others: readonly string[]): Promise<Delays> => {
    const urls = [...sink.urls, ...others];
    const names = urls.map((_, index) => (index === 0 ? 'well' : `other-${index}`));
    const delays = await measureDelays(names, urls, sink, { ...load, everyMs: EVERY_MS });
    return { p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) };
  };
  const situations = { alone: [], bad: badOnes.urls, well: wellOnes.urls } as const;
  const rounds: Readonly<Record<keyof typeof situations, Delays>>[] = [];
  for (let round = 0; round < load.rounds; round += 1) {
    const delaysOf = { alone: UNMEASURED, bad: UNMEASURED, well: UNMEASURED };
    const first = round % NAMES.length;
    // Each situation goes first equally often.
    for (const name of [...NAMES.slice(first), ...NAMES.slice(0, first)])
      delaysOf[name] = await measureBeside(situations[name]);
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
