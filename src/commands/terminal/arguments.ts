import { InvalidArgumentError, Option } from 'commander';
import { EXECUTION_ID_PATTERN } from '../../domain/execution/execution.ts';
import type { Labels } from '../../domain/execution/execution.ts';

/** Reads a whole number from `min` to `max` off the command line; anything else is wrong usage. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** The form of a Region's name: a list of them would grow old. */
const REGION = /^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$/;

/** Reads the name of a Region off the command line. */
export function region(text: string): string {
  if (REGION.test(text)) return text;
  throw new InvalidArgumentError('It must be the name of a Region, like us-east-1.');
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** What a timer can wait: 2^31 - 1 ms. */
const LONGEST_DAYS = 24;

/** Reads a length of time such as 90s, 30m, 2h or 1d off the command line, as milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = unit === undefined ? NaN : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ms > 0 && ms <= LONGEST_DAYS * UNIT_MS.d) return ms;
  throw new InvalidArgumentError(
    `It must be a time such as 90s, 30m, 2h or 1d, of ${LONGEST_DAYS}d at most.`,
  );
}

/** How long a command waits for executions to end. */
export function timeoutOption(): Option {
  return new Option('--timeout <time>', 'how long to wait, such as 90s, 30m or 2h')
    .argParser(duration)
    .default(1_800_000, '30m');
}

/** Reads a number, a fraction too, from `least` to `most` off the command line. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** Reads the id of an execution off the command line. */
export function executionId(text: string): string {
  if (EXECUTION_ID_PATTERN.test(text)) return text;
  throw new InvalidArgumentError('It must be a lifecycle execution id: lce- and a UUID.');
}

/** Several ids. */
export function executionIds(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), executionId(text)];
}

/** Reads `--label key=value`, which may be given several times. */
export function label(text: string, before: Labels | undefined): Labels {
  const [, key, value] = /^([a-zA-Z0-9_.-]{1,64})=([^]*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined || key === '__proto__')
    throw new InvalidArgumentError('It must be KEY=VALUE, the key of the characters a-z A-Z 0-9 _ . -');
  if (before !== undefined && Object.hasOwn(before, key))
    throw new InvalidArgumentError(`The key ${key} is there already.`);
  return { ...before, [key]: value };
}

/** The form of ISO 8601 that the API takes. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Reads an instant off the command line. */
export function instant(text: string): string {
  if (INSTANT.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('It must be an instant such as 2026-11-23T06:00:00Z.');
}
