import type { ExecutionKey } from '../domain/execution/execution.ts';
import type { Registration, RegistrationResult } from '../domain/execution/registration.ts';

/**
 * Stores registrations. Each method is one transaction. It is durable once it resolves; if the store fails, it rejects with
 * `StoreError` and nothing is stored. Instants are epoch milliseconds.
 */
export interface Intake {
  /**
   * Applies `domain/registration` to each in order and stores the results; a later registration of the same execution sees the
   * earlier one. If a callback URL is set on an execution that has already finished, its final event is delivered there at
   * once.
   */
  register(registrations: readonly Registration[], at: number): Promise<readonly RegistrationResult[]>;
  /**
   * Stops tracking and hides the execution. Returns the number of the registration that this ended, or undefined if there is
   * none to delete. Events recorded before are still delivered.
   */
  remove(key: ExecutionKey, at: number): Promise<number | undefined>;
}
