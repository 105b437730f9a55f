// Measures the watcher's polling. `--only lag,size` runs some parts, and `--short` measures less. The last line is a JSON object
// with the figures of all parts that ran.
import { chosenParts } from './parts.ts';
import { costBench } from './polling/cost.ts';
import { lagBench } from './polling/lag.ts';
import { rateBench } from './polling/rate.ts';
import { sizeBench } from './polling/size.ts';

const PARTS = { lag: lagBench, rate: rateBench, cost: costBench, size: sizeBench } as const;

const { short, chosen } = chosenParts(PARTS);
let figures = {};
for (const [name, part] of chosen) {
  process.stdout.write(`\n${name}\n`);
  figures = { ...figures, ...(await part({ short })) };
}
process.stdout.write(`\n${JSON.stringify(figures)}\n`);
