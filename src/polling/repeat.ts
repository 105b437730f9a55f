import pRetry from 'p-retry';
import { isTransient } from '../domain/call/outcome.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';

const REPEATS = 2;

/** Carries a failure that is worth a repeat through p-retry, which only knows errors. */
class TransientFailure extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface RepeatRules {
  readonly signal: AbortSignal;
  /** The most repeats. Default: 2. */
  readonly repeats?: number | undefined;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Makes a request and returns its result. After a failure of the network or of AWS it repeats the request a moment later,
 * unless `signal` has aborted. If a repeat is not sent after all (`request` resolves with undefined), returns the failure
 * before it. Rejects if a request does.
 */
export async function callRepeatedly<T>(
  request: () => Promise<CallResult<T> | undefined>,
  { signal, repeats = REPEATS, random }: RepeatRules,
): Promise<CallResult<T> | undefined> {
  let failure: CallFailure | undefined;
  const attempt = async () => {
    const result = await request();
    if (result === undefined) return failure;
    if (result.outcome === 'ok' || !isTransient(result)) return result;
    failure = result;
    throw new TransientFailure(result);
  };
  try {
    return await pRetry(attempt, {
      retries: repeats,
      minTimeout: 500 * (1 + random()),
      maxTimeout: 5000,
      // No `signal` here: p-retry would reject an answer that came after the abort, but it has to be recorded.
      shouldRetry: ({ error }) => error instanceof TransientFailure && !signal.aborted,
    });
  } catch (error) {
    if (error instanceof TransientFailure) return error.failure;
    throw error;
  }
}
