import { InvalidArgumentError, Option } from 'commander';
import { EXECUTION_ID_PATTERN } from '../../domain/execution/execution.ts';
import type { Labels } from '../../domain/execution/execution.ts';

/** Parses a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parses a number from `min` to `max`, with or without a fraction. */
export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

/** The form of a Region's name; a list of the names would become outdated. */
const REGION = /^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$/;

export function parseRegion(text: string): string {
  if (REGION.test(text)) return text;
  throw new InvalidArgumentError('It must be the name of an AWS Region, such as us-east-1.');
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Timers cannot wait longer than 2^31 - 1 ms. */
const LONGEST_DAYS = 24;

/** Parses a duration such as 90s, 30m, 2h or 1d into milliseconds. */
function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = unit === undefined ? NaN : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ms > 0 && ms <= LONGEST_DAYS * UNIT_MS.d) return ms;
  throw new InvalidArgumentError(
    `It must be a duration such as 90s, 30m, 2h or 1d, of at most ${LONGEST_DAYS}d.`,
  );
}

export function parseExecutionId(text: string): string {
  if (EXECUTION_ID_PATTERN.test(text)) return text;
  throw new InvalidArgumentError('It must be a lifecycle execution id: lce- followed by a UUID.');
}

/** Parses one of several ids and adds it to those before it. */
export function parseExecutionIds(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), parseExecutionId(text)];
}

/** Parses one of several `--label key=value` and adds it to those before it. */
export function parseLabel(text: string, before: Labels | undefined): Labels {
  const [, key, value] = /^([a-zA-Z0-9_.-]{1,64})=([^]*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined || key === '__proto__')
    throw new InvalidArgumentError(
      'It must be KEY=VALUE, with a key of 1 to 64 of the characters a-z A-Z 0-9 _ . -',
    );
  if (before !== undefined && Object.hasOwn(before, key))
    throw new InvalidArgumentError(`The key ${key} is given twice.`);
  return { ...before, [key]: value };
}

/** The form of ISO 8601 that the API accepts. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Parses an instant and returns it in UTC. */
export function parseInstant(text: string): string {
  const instant = INSTANT.test(text) && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : '';
  if (/^\d{4}-/.test(instant)) return instant;
  throw new InvalidArgumentError('It must be an instant such as 2026-11-23T06:00:00Z.');
}

export function configOption(): Option {
  return new Option(
    '--config <file>',
    'configuration file (default: $LIFECYCLE_WATCHER_CONFIG, else config/watcher.yaml)',
  );
}

/** How long a command waits for executions to end, in milliseconds. */
export function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long to wait, such as 90s, 30m or 2h')
    .argParser(parseDuration)
    .default(1_800_000, '30m');
}
