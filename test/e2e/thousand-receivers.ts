// A thousand receivers, of every kind: is each event brought to whoever ever accepts it, as often as the ladder says, in
// memory that does not grow? Some minutes. `--each N` of a kind, `--passes N`.
import { parseArgs } from 'node:util';
import { KINDS } from '../support/receiver-kinds.ts';
import { slope } from '../support/slope.ts';
import { deliverToEveryKind } from '../support/many-receivers.ts';
import type { MemoryNow } from '../support/many-receivers.ts';

const DEFAULT_EACH = String(Math.ceil(1000 / Object.keys(KINDS).length));
const { values } = parseArgs({
  options: {
    each: { type: 'string', default: DEFAULT_EACH },
    passes: { type: 'string', default: '8' },
  },
});
const MOST_TOLD = 50;
/** What is warmed up by the first pass is no growth. */
const WARM_UP_PASSES = 1;
/** A single socket that is held for each would be some 4000. What the heap wanders about is under 100 after four passes. */
const MOST_BYTES_PER_REQUEST = 300;

const tell = (line: string) => process.stdout.write(`${line}\n`);
const { faults, memory, ...result } = await deliverToEveryKind(
  { each: Number(values.each), events: 2, passes: Number(values.passes) },
  tell,
);
const requestsPerPass = result.requests / memory.length;
const bytesPerRequest = (of: (now: MemoryNow) => number) =>
  Math.round(
    slope(memory.slice(WARM_UP_PASSES).map((now, at) => ({ at, value: of(now) }))) / requestsPerPass,
  );
const heapBytesPerRequest = bytesPerRequest(({ heapBytes }) => heapBytes);
const rssBytesPerRequest = bytesPerRequest(({ rssBytes }) => rssBytes);
for (const fault of faults.slice(0, MOST_TOLD)) tell(fault);
tell(JSON.stringify({ ...result, heapBytesPerRequest, rssBytesPerRequest, faults: faults.length }));
process.exitCode = faults.length === 0 && heapBytesPerRequest <= MOST_BYTES_PER_REQUEST ? 0 : 1;
