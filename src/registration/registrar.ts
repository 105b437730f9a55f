import type { Execution, ExecutionKey } from '../domain/execution.ts';
import type { Registration, RegistrationResult } from '../domain/registration.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Intake } from './intake.ts';

export interface RegistrarParts {
  readonly intake: Intake;
  readonly clock: Clock;
  /** Tells the poller of the execution's target. */
  readonly track: (execution: Execution) => void;
  readonly forget: (key: ExecutionKey) => void;
  /** Told of every callback URL that was asked for: a delivery to it may be due. */
  readonly onCallback: (url: string) => void;
}

/** The one way in and out of tracking: stored first, then polled. */
export function createRegistrar({ intake, clock, track, forget, onCallback }: RegistrarParts) {
  return {
    /** Durable before it resolves; results in the order given. */
    async register(registrations: readonly Registration[]): Promise<readonly RegistrationResult[]> {
      const results = await intake.register(registrations, clock.now());
      for (const result of results) if (result.outcome !== 'invalid') track(result.execution);
      for (const { callbackUrl } of registrations) if (callbackUrl !== undefined) onCallback(callbackUrl);
      return results;
    },
    /** False if there was nothing to remove. */
    async remove(key: ExecutionKey): Promise<boolean> {
      const isRemoved = await intake.remove(key, clock.now());
      if (isRemoved) forget(key);
      return isRemoved;
    },
  };
}
