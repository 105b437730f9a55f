// A simulated AWS in a process of its own, so that its work does not count as the caller's. Forked; ends when disconnected.
import { once } from 'node:events';
import { startSimulator } from '../../../src/simulator/simulator.ts';

/** The message sent once it listens. The executions never end. */
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
