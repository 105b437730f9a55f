import type { Target } from '../domain/execution/execution.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget } from './budget.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { TargetReachability } from './reachability.ts';

export interface IdentityParts {
  readonly target: Target;
  readonly gateway: Pick<Gateway, 'getAccountId'>;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks STS once whose the target's credentials are, and tells `reachability`. Whether they are its account's.
 * Rejects where the budget is closed, or `signal` aborts before the request.
 */
export async function checkIdentity(
  { target, gateway, budget, clock, log }: IdentityParts,
  reachability: Pick<TargetReachability, 'tell' | 'fail'>,
  signal: AbortSignal,
): Promise<boolean> {
  const result = await budget.run(() => (call) => gateway.getAccountId(call), signal);
  if (result === undefined) return false;
  if (result.outcome === 'ok' && result.value !== target.accountId) {
    const message = `the credentials belong to account ${result.value}, not to ${target.accountId}: not polled`;
    await reachability.fail({ kind: 'wrong_account', message, since: clock.now() });
    return false;
  }
  await reachability.tell(result);
  if (result.outcome === 'ok') return true;
  log.warn({ target: target.name, ...result }, 'credentials could not be checked: target is not polled yet');
  return false;
}
