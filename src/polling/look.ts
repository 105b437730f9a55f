import pRetry from 'p-retry';
import type { Observation } from '../domain/observation.ts';
import { isTransient } from '../domain/outcome.ts';
import type { CallFailure, CallResult } from '../domain/outcome.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget } from '../limiter/budget.ts';

const REPEATS = 2;

export interface LookParts {
  readonly gateway: Pick<Gateway, 'getExecution'>;
  readonly budget: Budget;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Carries a failure that is worth a repeat through p-retry, which knows only errors. */
class TransientFailure extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * Looks at the execution that `pick` names at the moment the limiter lets the first request start; undefined
 * where nothing was due then. A failure of the network or of AWS is repeated at most `repeats` times, twice by default, each
 * request through the budget. Rejects where the budget is closed.
 */
export async function lookRepeatedly(
  { gateway, budget, random }: LookParts,
  pick: () => string | undefined,
  signal: AbortSignal,
  repeats = REPEATS,
): Promise<CallResult<Observation> | undefined> {
  const request = async () => {
    const result = await budget.run(() => {
      const id = pick();
      return id === undefined ? undefined : (callSignal) => gateway.getExecution(id, callSignal);
    }, signal);
    if (result !== undefined && result.outcome !== 'ok' && isTransient(result))
      throw new TransientFailure(result);
    return result;
  };
  const minTimeout = 500 * (1 + random());
  try {
    return await pRetry(request, {
      retries: repeats,
      minTimeout,
      maxTimeout: 5000,
      // No `signal` here: p-retry would reject an answer that came after the abort, and it is to be recorded.
      shouldRetry: ({ error }) => error instanceof TransientFailure && !signal.aborted,
    });
  } catch (error) {
    if (error instanceof TransientFailure) return error.failure;
    throw error;
  }
}
