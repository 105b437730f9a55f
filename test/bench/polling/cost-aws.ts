// An AWS in a process of its own, so that its work is not that of who calls it. Forked; ends when it is disconnected.
import { once } from 'node:events';
import { startSimulator } from '../../../src/simulator/simulator.ts';

/** What it tells once it listens. All executions go on for ever. */
export interface Aws {
  readonly url: string;
  readonly executionIds: readonly string[];
}

const EXECUTIONS = 300;

await using simulator = await startSimulator({ ratePerSecond: 10_000, burst: 10_000, seed: 1 });
const executionIds = Array.from({ length: EXECUTIONS }, () =>
  simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] }),
);
process.send?.({ url: simulator.url, executionIds } satisfies Aws);
await once(process, 'disconnect');
