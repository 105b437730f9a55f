import { keyText } from '../domain/execution/execution.ts';
import type { Execution, ExecutionKey } from '../domain/execution/execution.ts';
import type { Registration, RegistrationResult } from '../domain/execution/registration.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Intake } from './intake.ts';

export interface RegistrarParts {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly notices: Notices;
  /** Tells the poller of the execution's target. */
  readonly track: (execution: Execution) => void;
  /** Tells the poller that the registration with this number was removed. */
  readonly forget: (key: ExecutionKey, registration: number) => void;
  /** Told of every callback URL that was asked for: a delivery to it may be due. */
  readonly onCallback: (url: string) => void;
}

/** The only way in and out of tracking. It stores first, then has the execution polled or forgotten. */
export interface Registrar {
  /** Durable before it resolves. Results are in the order given. */
  register(registrations: readonly Registration[]): Promise<readonly RegistrationResult[]>;
  /** Durable before it resolves, with false if there was nothing to remove. */
  remove(key: ExecutionKey): Promise<boolean>;
}

export function createRegistrar({
  intake,
  clock,
  notices,
  track,
  forget,
  onCallback,
}: RegistrarParts): Registrar {
  /** For each call under way, the registrations that were removed meanwhile, by execution. */
  const underWay = new Set<Map<string, number>>();

  /** What becomes durable together may be answered in any order, so a removal can be known before what it removed. */
  async function registerAndNote(registrations: readonly Registration[]) {
    const removed = new Map<string, number>();
    underWay.add(removed);
    try {
      return { results: await intake.register(registrations, clock.now()), removed };
    } finally {
      underWay.delete(removed);
    }
  }

  return {
    async register(registrations) {
      const { results, removed } = await registerAndNote(registrations);
      for (const [index, result] of results.entries()) {
        const source = registrations[index]?.source;
        if (source !== undefined) notices.publish({ kind: 'registered', source, outcome: result.outcome });
        if (result.outcome === 'invalid') continue;
        const { execution } = result;
        if (execution.registration > (removed.get(keyText(execution)) ?? 0)) track(execution);
      }
      for (const { callbackUrl } of registrations) if (callbackUrl !== undefined) onCallback(callbackUrl);
      return results;
    },
    async remove(key) {
      const registration = await intake.remove(key, clock.now());
      if (registration === undefined) return false;
      for (const removed of underWay) removed.set(keyText(key), registration);
      forget(key, registration);
      return true;
    },
  };
}
