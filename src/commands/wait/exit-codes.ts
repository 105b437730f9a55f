import type { WaitEnd } from './wait-for-end.ts';

/** The exit codes of `wait`, and of `track --wait`. */
export const WAIT_EXIT_CODES = {
  SUCCESS: 0,
  broken: 1,
  wrong_usage: 2,
  FAILED: 3,
  CANCELLED: 4,
  timed_out: 5,
  not_found: 6,
} as const;

/** Describes the exit codes in the help of a command. */
export const EXIT_CODES_HELP = `
  0  SUCCESS
  1  access was denied, or the status could not be read
  2  wrong usage
  3  FAILED
  4  CANCELLED
  5  timed out
  6  not found`;

/** The exit codes that shells report for a program ended by a signal: 128 plus its number. */
const SIGNAL_EXIT_CODES: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143 };

export function exitCodeOf(end: Exclude<WaitEnd, { readonly kind: 'stopped' }>): number {
  return WAIT_EXIT_CODES[end.kind === 'final' ? end.status : end.kind];
}

export function signalExitCode(signal: NodeJS.Signals): number {
  return SIGNAL_EXIT_CODES[signal] ?? 1;
}
