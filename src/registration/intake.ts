import type { ExecutionKey } from '../domain/execution.ts';
import type { Registration, RegistrationResult } from '../domain/registration.ts';

/**
 * Where registrations are kept. Each method is one transaction and rejects with `StoreError` if the store fails; nothing of it
 * is stored then. What has resolved is durable. Instants are epoch milliseconds.
 */
export interface Intake {
  /**
   * Applies `domain/registration` to each in order and stores the results; a later registration of the same execution sees the
   * earlier one. A callback URL that is set on an execution that has finished gets its final event at once.
   */
  register(registrations: readonly Registration[], at: number): Promise<readonly RegistrationResult[]>;
  /** Stops tracking and hides the execution. False if there is none to delete. What was recorded is still delivered. */
  remove(key: ExecutionKey, at: number): Promise<boolean>;
}
