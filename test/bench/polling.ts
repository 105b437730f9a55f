// What the watcher's polling is worth. `--only lag,size` runs some parts, `--short` less of each. The last line is one JSON
// object with the figures of all parts that ran.
import { parseArgs } from 'node:util';
import { costBench } from './polling/cost.ts';
import { lagBench } from './polling/lag.ts';
import { rateBench } from './polling/rate.ts';
import { sizeBench } from './polling/size.ts';

const PARTS = { lag: lagBench, rate: rateBench, cost: costBench, size: sizeBench } as const;

const { short, only } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
  },
}).values;
const wanted = only.split(',');
const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) throw new Error(`no part ${unknown}: there are ${Object.keys(PARTS).join(', ')}`);

let figures = {};
for (const [name, part] of Object.entries(PARTS)) {
  if (!wanted.includes(name)) continue;
  process.stdout.write(`\n${name}\n`);
  figures = { ...figures, ...(await part({ short })) };
}
process.stdout.write(`\n${JSON.stringify(figures)}\n`);
