import type { Rewrite } from './rewrites.ts';
import type { View } from './execution.ts';
import type { Pace, WireForm } from './wire.ts';

/** The longest time that an answer may be held back. */
export const LONGEST_DELAY_MS = 600_000;

/** The effect of a fault on a call: in place of its answer, before it, or while it is sent. */
export type FaultEffect =
  | {
      readonly kind: 'error';
      readonly code: string;
      /** The code in the query protocol (STS), if it differs there. */
      readonly queryCode?: string;
      readonly httpStatus: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** A Retry-After header for an instant `seconds` from now. Default: none. */
      readonly retryAfter?: { readonly seconds: number; readonly form: 'seconds' | 'date' };
      /** The place of the code in the response. Default: the place that was chosen for all codes. */
      readonly wire?: WireForm;
    }
  /** Any response, such as a proxy's page. */
  | {
      readonly kind: 'body';
      readonly httpStatus: number;
      readonly contentType: string;
      readonly text: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** No answer: the connection is reset, closed cleanly, or answered with bytes that are not HTTP. */
  | { readonly kind: 'reset' | 'hang-up' | 'garbage' }
  /** No answer until the caller leaves or eleven minutes have passed. */
  | { readonly kind: 'hang' }
  /** The ordinary answer as of the request's arrival, but later. At most ten minutes. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The ordinary answer, held until a later call about the same execution has been answered, but no longer than `atMostMs`. */
  | { readonly kind: 'overtaken'; readonly atMostMs: number }
  /** The ordinary answer, cut off or sent slowly. */
  | { readonly kind: 'pace'; readonly pace: Pace }
  /** The ordinary answer, corrupted. */
  | { readonly kind: 'rewrite'; readonly rewrite: Rewrite }
  /** The answer of the operation if it sees executions differently from how they are. */
  | { readonly kind: 'view'; readonly view: View };

/** Throws a RangeError if the effect's delay is negative or too long. */
export function checkEffect(effect: FaultEffect): void {
  const ms = waitOf(effect);
  if (!(ms >= 0 && ms <= LONGEST_DELAY_MS)) throw new RangeError(`${effect.kind}: ${ms} ms is not a delay`);
}

function waitOf(effect: FaultEffect): number {
  switch (effect.kind) {
    case 'delay':
      return effect.delayMs;
    case 'overtaken':
      return effect.atMostMs;
    case 'pace':
      return effect.pace.kind === 'drip' ? effect.pace.overMs : 0;
    default:
      return 0;
  }
}
