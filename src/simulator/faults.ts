import type { Random } from './random.ts';

/** What strikes a call instead of its answer, or before it. */
export type FaultEffect =
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly httpStatus: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** Where the code stands: the `x-amzn-errortype` header (default), or `__type` of the body. */
      readonly wire?: 'header' | 'body';
    }
  /** The connection is reset. */
  | { readonly kind: 'reset' }
  /** No answer, until the caller goes or ten minutes have passed. */
  | { readonly kind: 'hang' }
  /** Anything, like a proxy's page. */
  | {
      readonly kind: 'body';
      readonly httpStatus: number;
      readonly contentType: string;
      readonly text: string;
    }
  /** The ordinary answer as it was at the request's arrival, later. At most ten minutes. */
  | { readonly kind: 'delay'; readonly delayMs: number };

/** Strikes each call, or those of one operation; the first `count` of them; each with `probability`. */
export type Fault = FaultEffect & {
  readonly operation?: string;
  readonly count?: number;
  readonly probability?: number;
};

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** The fault that strikes a call of `operation`: the first added one that applies. */
  strike(operation: string): FaultEffect | undefined;
}

/** The longest that an answer may be held back. */
export const LONGEST_DELAY_MS = 600_000;

export function createFaults(random: Random): Faults {
  const active: { readonly fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      if (fault.kind === 'delay' && !(fault.delayMs >= 0 && fault.delayMs <= LONGEST_DELAY_MS)) {
        throw new RangeError(`delayMs is ${fault.delayMs}`);
      }
      active.push({ fault, left: fault.count ?? Infinity });
    },
    clear() {
      active.length = 0;
    },
    strike(operation) {
      const struck = active.find(
        ({ fault, left }) =>
          left > 0 &&
          (fault.operation === undefined || fault.operation === operation) &&
          (fault.probability === undefined || random() < fault.probability),
      );
      if (struck === undefined) return undefined;
      struck.left -= 1;
      if (struck.left <= 0) active.splice(active.indexOf(struck), 1);
      return struck.fault;
    },
  };
}
