// How late changes are seen at equal calls: the learning cadence against what a user could pick instead, and against the
// optimum that knows the true distribution. Virtual time, fixed seeds. `--short`: fewer runs and one seed.
import { parseArgs } from 'node:util';
import { PEERS } from './peers.ts';
import { populations } from './populations.ts';
import type { Population } from './populations.ts';
import { seeded } from './random.ts';
import { learningPoller, optimalPoller, peerPoller } from './watch.ts';
import type { Poller } from './watch.ts';

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
/** Of each execution, on average, whoever looks. */
const CALLS = 60;
const LEARNT_AFTER = 200;
const FIRST = 20;
const MEASURED = short ? 200 : 1000;
const SEEDS = short ? [1] : [1, 2, 3];
/** Rounds in which calls are brought to `CALLS`, to a fifth of a per cent. */
const ROUNDS = 14;
const CLOSE = 0.002;

interface Cost {
  readonly calls: number;
  readonly lag: number;
}

/** Calls an execution and seconds a change, over the runs from `from` up to `to`. */
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

/** What a poller costs once its one knob, with which calls fall, has been turned to equal calls. */
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

/** The mean lag over all seeds. */
function meanLag(
  population: Population,
  make: (knob: number, seed: number) => Poller,
  from: number,
  to: number,
): number {
  const lags = SEEDS.map((seed) => atEqualCalls(population, (knob) => make(knob, seed), seed, from, to).lag);
  return lags.reduce((sum, lag) => sum + lag, 0) / lags.length;
}

const tell = (cells: readonly string[]) =>
  process.stdout.write(
    `${cells.map((cell, column) => (column === 0 ? cell.padEnd(26) : cell.padStart(15))).join('')}\n`,
  );
const digits = (value: number) => value.toFixed(3);

tell([
  'seconds late',
  ...PEERS.map(({ name }) => name),
  'optimum',
  'learnt',
  'vs optimum',
  'vs best peer',
  'first 20',
  'optimum',
]);
const end = LEARNT_AFTER + MEASURED;
const results = populations(LEARNT_AFTER + MEASURED / 2).map((population) => {
  const lag = (make: (knob: number, seed: number) => Poller, from = LEARNT_AFTER, to = end) =>
    meanLag(population, make, from, to);
  const optimum = (c: number, seed: number) => optimalPoller(population, c, seed);
  const peers = PEERS.map((peer) => lag((scale, seed) => peerPoller(peer, scale, seed)));
  const [best, learnt] = [lag(optimum), lag(learningPoller)];
  const vsOptimum = learnt / best;
  const vsPeer = learnt / Math.min(...peers);
  const first = [lag(learningPoller, 0, FIRST), lag(optimum, 0, FIRST)];
  tell([population.name, ...[...peers, best, learnt, vsOptimum, vsPeer, ...first].map(digits)]);
  return { name: population.name, vsOptimum, vsPeer };
});
const worst = (of: 'vsOptimum' | 'vsPeer', name = '') =>
  Number(Math.max(...results.filter((one) => one.name.includes(name)).map((one) => one[of])).toFixed(3));
process.stdout.write(
  `${JSON.stringify({
    lagVsOptimum: worst('vsOptimum'),
    lagWorstVsBestPeer: worst('vsPeer'),
    lagSeparateClassesVsBestPeer: worst('vsPeer', 'apart'),
  })}\n`,
);
