import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly seed: number;
  /** The run ends after this many kills, or after this many seconds. */
  readonly kills: number;
  readonly seconds: number;
  /** Keeps the daemon's log and database even if the run passes. */
  readonly keep: boolean;
}

const USAGE = `usage: npm run test:soak -- [--short] [--kills N] [--seconds N] [--seed N] [--keep]
  --short      16 kills, ends in under 3 minutes
  --kills N    ends after N kills (default 60)
  --seconds N  ends after N seconds at the latest (default 7200)
  --seed N     the same seed gives the same plan
  --keep       keep the daemon's log and database`;

/** Reads the arguments. Prints the usage and exits if they are wrong. */
export function readOptions(args: readonly string[]): SoakOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        short: { type: 'boolean', default: false },
        kills: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
    return {
      kills: wholeNumber('kills', values.kills) ?? (values.short ? 16 : 60),
      seconds: wholeNumber('seconds', values.seconds) ?? (values.short ? 90 : 7200),
      seed: wholeNumber('seed', values.seed) ?? randomInt(2 ** 31),
      keep: values.keep,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number`);
  return Number(text);
}
