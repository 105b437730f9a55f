// Measures the effect of a slow disk on registrations per second and on stops of the event loop, and the longest block of each
// store operation with many rows. `--only registrations,stops,rows` runs some parts, and `--short` measures less. A shim slows
// down syncs, which needs a C compiler. The last line is a JSON object with the figures of all parts that ran.
import { compileSlowSync, NoCompilerError } from '../support/slow-sync.ts';
import { chosenParts } from './parts.ts';
import { printLine } from './store/figures.ts';
import { registrationsBench } from './store/registrations.ts';
import { rowsBench } from './store/rows.ts';
import { stopsBench } from './store/stops.ts';

const PARTS = { registrations: registrationsBench, stops: stopsBench, rows: rowsBench } as const;

const { short, chosen } = chosenParts(PARTS);

async function run(): Promise<void> {
  await using slowSync = await compileSlowSync();
  let figures = {};
  for (const [name, part] of chosen) {
    printLine(`\n${name}`);
    const measured = await part({ short, slowSync });
    printLine(JSON.stringify(measured));
    figures = { ...figures, ...measured };
  }
  printLine(`\n${JSON.stringify(figures)}`);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof NoCompilerError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
