import type { Target } from '../domain/execution.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget } from '../limiter/budget.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;

export interface IdentityParts {
  readonly target: Target;
  readonly gateway: Gateway;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/**
 * Asks STS whose the target's credentials are until they turn out to be its account's: true. Waits longer from one
 * failure to the next, up to five minutes. False where `signal` aborted first.
 */
export async function confirmIdentity(parts: IdentityParts, signal: AbortSignal): Promise<boolean> {
  const { target, gateway, budget, clock, random, log } = parts;
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    const result = await budget
      .run(() => (call) => gateway.getAccountId(call), signal)
      .catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (result === undefined) return false;
    if (result.outcome === 'ok' && result.value === target.accountId) return true;
    if (result.outcome === 'ok') {
      const fields = { target: target.name, accountId: target.accountId, credentialsOf: result.value };
      log.error(fields, 'credentials belong to another account: target is not polled');
    } else {
      log.warn(
        { target: target.name, ...result },
        'credentials could not be checked: target is not polled yet',
      );
    }
    await clock.sleep(waitMs * (0.8 + 0.4 * random()), signal);
  }
  return false;
}
