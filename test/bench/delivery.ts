// Compares the speed of durable, signed deliveries with a bare loop of requests, and measures how soon a first attempt is made
// and how much bad receivers delay a healthy one. Receivers run in a process of their own. `--short` measures less.
import { parseArgs } from 'node:util';
import { besideBadOnes, firstAttempts } from './delivery/latency.ts';
import { compareThroughput } from './delivery/throughput.ts';

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
const report = (line: string) => process.stdout.write(`${line}\n`);

report('deliveries per second, durable and bare in turns …');
const throughput = await compareThroughput(short ? { pairs: 3, events: 100 } : { pairs: 21, events: 300 });
report(JSON.stringify(throughput));
report('delay from the record of a change to the arrival of its first attempt …');
const first = await firstAttempts({ events: short ? 100 : 500 });
report(JSON.stringify(first));
report('a healthy receiver alone, beside bad ones and beside healthy ones, in turns …');
const beside = await besideBadOnes(
  short
    ? { rounds: 2, each: 2, events: 60, warmUp: 30 }
    : // Long enough to include the first repeats, which come after 5 s ± 20 %.
      { rounds: 5, each: 4, events: 400, warmUp: 130 },
);
report(JSON.stringify({ ...throughput, ...first, ...beside }));
