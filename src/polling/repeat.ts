import pRetry from 'p-retry';
import { isTransient } from '../domain/call/outcome.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';

const REPEATS = 2;

/** Carries a failure that is worth a repeat through p-retry, which knows only errors. */
class TransientFailure extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface Repeating {
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Twice by default. */
  readonly repeats?: number | undefined;
}

/**
 * What `request` gives. A failure of the network or of AWS is repeated a moment later, at most `repeats` times, unless
 * `signal` has aborted. Rejects where a request does.
 */
export async function callRepeatedly<T>(
  request: () => Promise<CallResult<T> | undefined>,
  { random, signal, repeats = REPEATS }: Repeating,
): Promise<CallResult<T> | undefined> {
  const attempt = async () => {
    const result = await request();
    if (result !== undefined && result.outcome !== 'ok' && isTransient(result))
      throw new TransientFailure(result);
    return result;
  };
  try {
    return await pRetry(attempt, {
      retries: repeats,
      minTimeout: 500 * (1 + random()),
      maxTimeout: 5000,
      // No `signal` here: p-retry would reject an answer that came after the abort, and it is to be recorded.
      shouldRetry: ({ error }) => error instanceof TransientFailure && !signal.aborted,
    });
  } catch (error) {
    if (error instanceof TransientFailure) return error.failure;
    throw error;
  }
}
