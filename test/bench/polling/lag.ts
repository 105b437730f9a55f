// Compares how late changes are seen with the same number of calls: by the learning cadence, by its alternatives, and by the
// optimum that knows the true distribution. Runs in virtual time with fixed seeds.
import { PEERS } from './peers.ts';
import { populations } from './populations.ts';
import type { Population } from './populations.ts';
import { seeded } from '../../support/random.ts';
import { digits, row } from './table.ts';
import { learningPoller, optimalPoller, peerPoller } from './watch.ts';
import type { Poller } from './watch.ts';

/** The mean number of calls per execution, for every poller. */
const CALLS = 60;
const LEARNT_AFTER = 200;
const FIRST = 20;
const MEASURED = { short: 200, whole: 1000 } as const;
const SEEDS = { short: [1], whole: [1, 2, 3] } as const;
/** The limit on rounds that adjust the number of calls to `CALLS`, to within a fifth of a per cent. */
const ROUNDS = 14;
const CLOSE = 0.002;

interface Cost {
  readonly calls: number;
  readonly lag: number;
}

/** Measures the calls per execution and the lag per change, over the runs from `from` up to `to`. */
function play(population: Population, poller: Poller, seed: number, from: number, to: number): Cost {
  let calls = 0;
  const lags: number[] = [];
  for (let index = 0; index < to; index += 1) {
    const seen = poller(population.draw(index, seeded(1000 * seed + index)), index);
    if (index < from) continue;
    calls += seen.calls;
    lags.push(...seen.lags);
  }
  return { calls: calls / (to - from), lag: lags.reduce((sum, lag) => sum + lag, 0) / lags.length };
}

/** Measures a poller after adjusting its knob, which reduces calls, until it makes `CALLS` calls. */
function atEqualCalls(
  population: Population,
  make: (knob: number) => Poller,
  seed: number,
  from: number,
  to: number,
): Cost {
  let [low, high, knob] = [-Infinity, Infinity, 0];
  let cost: Cost = { calls: NaN, lag: NaN };
  for (let round = 0; round < ROUNDS; round += 1) {
    cost = play(population, make(Math.exp(knob)), seed, from, to);
    if (Math.abs(cost.calls / CALLS - 1) < CLOSE) break;
    if (cost.calls > CALLS) low = Math.max(low, knob);
    else high = Math.min(high, knob);
    const next = knob + Math.log(cost.calls / CALLS);
    knob = next > low && next < high ? next : (low + high) / 2;
  }
  return cost;
}

/** Returns the mean lag over all seeds. */
function meanLag(
  population: Population,
  make: (knob: number, seed: number) => Poller,
  { seeds, from, to }: { readonly seeds: readonly number[]; readonly from: number; readonly to: number },
): number {
  const lags = seeds.map((seed) => atEqualCalls(population, (knob) => make(knob, seed), seed, from, to).lag);
  return lags.reduce((sum, lag) => sum + lag, 0) / lags.length;
}

/** Prints a table, and returns the figures for the last line of the benchmark. `short`: fewer runs and one seed. */
export function lagBench({ short }: { readonly short: boolean }) {
  const size = short ? 'short' : 'whole';
  const learnt = { seeds: SEEDS[size], from: LEARNT_AFTER, to: LEARNT_AFTER + MEASURED[size] };
  const first = { seeds: SEEDS[size], from: 0, to: FIRST };
  row([
    `seconds late, ${CALLS} calls`,
    ...PEERS.map(({ name }) => name),
    'optimum',
    'learnt',
    'vs optimum',
    'vs best peer',
    `first ${FIRST} runs`,
    'optimum of these',
  ]);
  const results = populations(LEARNT_AFTER + MEASURED[size] / 2).map((population) => {
    const optimum = (c: number, seed: number) => optimalPoller(population, c, seed);
    const peers = PEERS.map((peer) =>
      meanLag(population, (scale, seed) => peerPoller(peer, scale, seed), learnt),
    );
    const [best, ours] = [meanLag(population, optimum, learnt), meanLag(population, learningPoller, learnt)];
    const vsOptimum = ours / best;
    const vsPeer = ours / Math.min(...peers);
    const firsts = [meanLag(population, learningPoller, first), meanLag(population, optimum, first)];
    row([
      population.name,
      ...[...peers, best, ours, vsOptimum, vsPeer, ...firsts].map((value) => digits(value)),
    ]);
    return { name: population.name, vsOptimum, vsPeer };
  });
  const worst = (ratio: 'vsOptimum' | 'vsPeer', name = '') =>
    Number(
      digits(
        Math.max(...results.filter((result) => result.name.includes(name)).map((result) => result[ratio])),
      ),
    );
  return {
    lagVsOptimum: worst('vsOptimum'),
    lagWorstVsBestPeer: worst('vsPeer'),
    lagSeparateClassesVsBestPeer: worst('vsPeer', 'apart'),
  };
}
