import type { Target } from '../domain/execution/execution.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Calls } from './calls.ts';

export interface IdentityParts {
  readonly target: Target;
  readonly gateway: Pick<Gateway, 'getAccountId'>;
  readonly calls: Pick<Calls, 'make'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Asks STS once which account the credentials belong to. Returns true if it is the target's. Rejects as `Calls.make` does. */
export async function checkIdentity(
  { target, gateway, calls, clock }: IdentityParts,
  signal: AbortSignal,
): Promise<boolean> {
  const result = await calls.make('GetCallerIdentity', () => (call) => gateway.getAccountId(call), {
    needs: 'unconfirmed',
    signal,
    repeats: 0,
    problemIn(accountId) {
      if (accountId === target.accountId) return undefined;
      const message = `the credentials belong to account ${accountId}, not to ${target.accountId}: not polled`;
      return { kind: 'wrong_account', message, since: clock.now() };
    },
  });
  return result?.outcome === 'ok' && result.value === target.accountId;
}
