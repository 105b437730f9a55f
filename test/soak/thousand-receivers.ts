// Delivers to a thousand receivers of every kind, for some minutes. Fails if a receiver that accepts events misses one, if a
// delivery has not the attempts that the ladder prescribes, or if memory grows. `--each N` receivers of a kind, `--passes N`.
import { parseArgs } from 'node:util';
import { KINDS } from '../support/receiver-kinds.ts';
import { slope } from '../support/slope.ts';
import { deliverToEveryKind } from '../support/many-receivers.ts';
import type { MemoryUse } from '../support/many-receivers.ts';

const DEFAULT_EACH = String(Math.ceil(1000 / Object.keys(KINDS).length));
const { values } = parseArgs({
  options: {
    each: { type: 'string', default: DEFAULT_EACH },
    passes: { type: 'string', default: '8' },
  },
});
const MOST_FAULTS_REPORTED = 50;
/** The first pass warms up, so its growth does not count. */
const WARM_UP_PASSES = 1;
/** A single leaked socket per request would be about 4000. Random variation is below 100 after four passes. */
const MOST_BYTES_PER_REQUEST = 300;

const report = (line: string) => process.stdout.write(`${line}\n`);
const { faults, memory, ...result } = await deliverToEveryKind(
  { each: Number(values.each), events: 2, passes: Number(values.passes) },
  report,
);
const requestsPerPass = result.requests / memory.length;
const bytesPerRequest = (pick: (use: MemoryUse) => number) =>
  Math.round(
    slope(memory.slice(WARM_UP_PASSES).map((use, at) => ({ at, value: pick(use) }))) / requestsPerPass,
  );
const heapBytesPerRequest = bytesPerRequest(({ heapBytes }) => heapBytes);
const rssBytesPerRequest = bytesPerRequest(({ rssBytes }) => rssBytes);
for (const fault of faults.slice(0, MOST_FAULTS_REPORTED)) report(fault);
report(JSON.stringify({ ...result, heapBytesPerRequest, rssBytesPerRequest, faults: faults.length }));
process.exitCode = faults.length === 0 && heapBytesPerRequest <= MOST_BYTES_PER_REQUEST ? 0 : 1;
