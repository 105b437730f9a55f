import type { Observation } from '../domain/execution/observation.ts';
import type { CallResult } from '../domain/call/outcome.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget } from './budget.ts';
import { callRepeatedly } from './repeat.ts';

export interface LookParts {
  readonly gateway: Pick<Gateway, 'getExecution'>;
  readonly budget: Pick<Budget, 'run'>;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Looks at the execution that `pick` names at the moment the limiter lets the first request start; undefined
 * where nothing was due then. A failure of the network or of AWS is repeated at most `repeats` times, twice by default, each
 * request through the budget. Rejects where the budget is closed.
 */
export function lookRepeatedly(
  { gateway, budget, random }: LookParts,
  pick: () => string | undefined,
  signal: AbortSignal,
  repeats?: number,
): Promise<CallResult<Observation> | undefined> {
  const request = () =>
    budget.run(() => {
      const id = pick();
      return id === undefined ? undefined : (callSignal) => gateway.getExecution(id, callSignal);
    }, signal);
  return callRepeatedly(request, { random, signal, repeats });
}
