import { parseArgs } from 'node:util';

/** Those parts of a bench that its arguments choose: `--only NAME,NAME`, or all of them; `--short` for a smaller measure. */
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
    throw new Error(`no part ${unknown}: there are ${Object.keys(parts).join(', ')}`);
  return { short, chosen: Object.entries(parts).filter(([name]) => wanted.includes(name)) };
}
