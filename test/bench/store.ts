// What a slow disk costs: registrations a second, and stops of the event loop; and what many rows cost: the longest block of
// each operation of the store. `--only registrations,stops,rows` runs some parts, `--short` less of each. Syncs are slowed down by a shim, which needs a C compiler. The last line is one JSON object with
// the figures of all parts that ran.
import { compileSlowSync, NoCompilerError } from '../support/slow-sync.ts';
import { chosenParts } from './parts.ts';
import { tell } from './store/figures.ts';
import { registrationsBench } from './store/registrations.ts';
import { rowsBench } from './store/rows.ts';
import { stopsBench } from './store/stops.ts';

const PARTS = { registrations: registrationsBench, stops: stopsBench, rows: rowsBench } as const;

const { short, chosen } = chosenParts(PARTS);

async function run(): Promise<void> {
  await using slowSync = await compileSlowSync();
  let figures = {};
  for (const [name, part] of chosen) {
    tell(`\n${name}`);
    const measured = await part({ short, slowSync });
    tell(JSON.stringify(measured));
    figures = { ...figures, ...measured };
  }
  tell(`\n${JSON.stringify(figures)}`);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof NoCompilerError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
