// How fast are durable, signed deliveries beside a bare loop of requests, how soon is a first attempt made, and does a
// receiver that is well notice those that are not? Receivers are in a process of their own. `--short`: a smaller measure.
import { parseArgs } from 'node:util';
import { besideBadOnes, firstAttempts } from './delivery/latency.ts';
import { compareThroughput } from './delivery/throughput.ts';

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
const tell = (line: string) => process.stdout.write(`${line}\n`);

tell('deliveries per second, durable and bare, in turns …');
const throughput = await compareThroughput(short ? { pairs: 3, events: 100 } : { pairs: 21, events: 300 });
tell(JSON.stringify(throughput));
tell('from the record of a change to the arrival of its first attempt …');
const first = await firstAttempts({ events: short ? 100 : 500 });
tell(JSON.stringify(first));
tell('a receiver that is well, alone, beside bad ones and beside other well ones, in turns …');
const beside = await besideBadOnes(
  short
    ? { rounds: 2, each: 2, events: 60, warmUp: 30 }
    : // Repeats, which come after 5 s and a fifth, are a part of what is measured.
      { rounds: 5, each: 4, events: 400, warmUp: 130 },
);
tell(JSON.stringify({ ...throughput, ...first, ...beside }));
