import type { Rewrite } from './rewrites.ts';
import type { View } from './execution.ts';
import type { Pace, WireForm } from './wire.ts';

/** The longest that an answer may be held back. */
export const LONGEST_DELAY_MS = 600_000;

/** What strikes a call instead of its answer, before it, or on its way. */
export type FaultEffect =
  | {
      readonly kind: 'error';
      readonly code: string;
      /** The code where the query protocol (STS) spells it otherwise. */
      readonly queryCode?: string;
      readonly httpStatus: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** A Retry-After header, so many seconds from now. Default: none. */
      readonly retryAfter?: { readonly seconds: number; readonly form: 'seconds' | 'date' };
      /** Where the code stands. Default: where the simulator puts every code. */
      readonly wire?: WireForm;
    }
  /** Anything, like a proxy's page. */
  | {
      readonly kind: 'body';
      readonly httpStatus: number;
      readonly contentType: string;
      readonly text: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** No answer: the connection is reset, ended in good order, or answered with what is not HTTP. */
  | { readonly kind: 'reset' | 'hang-up' | 'garbage' }
  /** No answer, until the caller goes or ten minutes have passed. */
  | { readonly kind: 'hang' }
  /** The ordinary answer as it was at the request's arrival, later. At most ten minutes. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The ordinary answer, held until a later call about the same execution has been answered, or so long. */
  | { readonly kind: 'overtaken'; readonly atMostMs: number }
  /** The ordinary answer, cut off or dripping. */
  | { readonly kind: 'pace'; readonly pace: Pace }
  /** The ordinary answer, altered. */
  | { readonly kind: 'rewrite'; readonly rewrite: Rewrite }
  /** What the operation answers where it sees its executions otherwise than they are. */
  | { readonly kind: 'view'; readonly view: View };

/** Throws a RangeError where no timer could keep the effect's time. */
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
