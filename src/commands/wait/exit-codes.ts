import type { WaitEnd } from './wait-for-end.ts';

/** How a wait ends, as exit codes; `track --wait` ends with the same. */
export const WAIT_EXIT_CODES = {
  SUCCESS: 0,
  broken: 1,
  wrong_usage: 2,
  FAILED: 3,
  CANCELLED: 4,
  timed_out: 5,
  not_found: 6,
} as const;

/** What shells give for a program that a signal ended. */
const SIGNAL_EXIT_CODES: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143 };

export function exitCodeOf(end: Exclude<WaitEnd, { readonly kind: 'stopped' }>): number {
  return WAIT_EXIT_CODES[end.kind === 'final' ? end.status : end.kind];
}

export function signalExitCode(signal: NodeJS.Signals): number {
  return SIGNAL_EXIT_CODES[signal] ?? 1;
}
