// Compares the CPU time of one poll, for the whole path and for each of its layers, with that of the SDK alone in a loop at the
// same rate. All run in one process, in turns and in both orders. The simulator runs in another process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Aws } from './cost-aws.ts';
import { CALLS_PER_SECOND, createLayers } from './cost-layers.ts';
import type { Layer } from './cost-layers.ts';
import { digits, row } from './table.ts';

const WARM_UP_SECONDS = 8;
/** Long enough to include writes that happen every ten seconds. */
const BLOCK_SECONDS = 11;
const ROUNDS = 2;

/** The part that each layer adds to the one before. */
const ADDED_PARTS = {
  sdk: 'SDK, paced loop',
  gateway: 'gateway, metrics',
  bottleneck: 'Bottleneck',
  budget: 'budget',
  calls: 'p-retry, gate and notices',
  poller: 'poller, store',
} as const;
type Name = keyof typeof ADDED_PARTS;
const NAMES = Object.keys(ADDED_PARTS) as Name[];

/** Prints a table, and returns the figures for the last line of the benchmark. */
export async function costBench({ short }: { readonly short: boolean }) {
  const child = fork(new URL('./cost-aws.ts', import.meta.url).pathname);
  await using disposing = new AsyncDisposableStack();
  disposing.defer(async () => {
    child.disconnect();
    await once(child, 'exit');
  });
  const [aws] = (await once(child, 'message')) as [Aws];
  const { layers, calls } = disposing.use(await createLayers(aws));

  const measure = async (layer: Layer, seconds: number): Promise<number> => {
    const before = calls();
    const cpu = process.cpuUsage();
    await runFor(layer, seconds);
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / (calls() - before);
  };
  for (const name of NAMES) await runFor(layers[name], short ? 0.5 : WARM_UP_SECONDS);

  const rounds: Record<Name, number>[] = [];
  for (let round = 0; round < (short ? 1 : ROUNDS); round += 1) {
    for (const order of [NAMES, NAMES.toReversed()]) {
      const cost: Partial<Record<Name, number>> = {};
      for (const name of order) cost[name] = await measure(layers[name], short ? 0.5 : BLOCK_SECONDS);
      rounds.push(cost as Record<Name, number>);
    }
  }
  const mean = (pick: (round: Record<Name, number>) => number) =>
    rounds.reduce((sum, round) => sum + pick(round), 0) / rounds.length;

  row(['CPU of a poll, µs', `at ${CALLS_PER_SECOND}/s`, 'added', 'vs the SDK']);
  for (const [index, name] of NAMES.entries()) {
    const before = NAMES[index - 1];
    const cost = mean((round) => round[name]);
    const added = before === undefined ? cost : cost - mean((round) => round[before]);
    row([
      ADDED_PARTS[name],
      digits(cost, 0),
      digits(added, 0),
      digits(
        mean((round) => round[name] / round.sdk),
        2,
      ),
    ]);
  }
  return { cpuVsPacedSdk: Number(digits(mean(({ poller, sdk }) => poller / sdk))) };
}

async function runFor(layer: Layer, seconds: number): Promise<void> {
  const ending = new AbortController();
  const running = layer(ending.signal);
  await sleep(seconds * 1000);
  ending.abort();
  await running;
}
