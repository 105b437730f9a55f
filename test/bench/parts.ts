import { parseArgs } from 'node:util';

/** Reads the parts of a benchmark to run: those named by `--only NAME,NAME`, or all. `--short` measures less. */
export function chosenParts<P>(parts: Readonly<Record<string, P>>): {
  readonly short: boolean;
  readonly chosen: readonly (readonly [name: string, part: P])[];
} {
  const { short, only } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string', default: Object.keys(parts).join(',') },
    },
  }).values;
  const wanted = only.split(',');
  const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined)
    throw new Error(`there is no part ${unknown}, only ${Object.keys(parts).join(', ')}`);
  return { short, chosen: Object.entries(parts).filter(([name]) => wanted.includes(name)) };
}
