import { callbackLane } from '../domain/delivery/callback.ts';
import { keyText } from '../domain/execution/execution.ts';
import type { ExecutionKey } from '../domain/execution/execution.ts';
import type { Registration, RegistrationResult } from '../domain/execution/registration.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Intake } from './intake.ts';
import type { Tracking } from './tracking.ts';

/** The only way in and out of tracking. It stores first, then has the execution polled or forgotten. */
export interface Registrar {
  /** Durable before it resolves. Results are in the order given. */
  register(registrations: readonly Registration[]): Promise<readonly RegistrationResult[]>;
  /** Durable before it resolves, with false if there was nothing to remove. */
  remove(key: ExecutionKey): Promise<boolean>;
}

export interface RegistrarParts {
  readonly intake: Intake;
  readonly tracking: Pick<Tracking, 'of'>;
  /** Wakes the lane of a callback URL, because a delivery to it may be due. */
  readonly deliveries: { wake(lane: string): void };
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now'>;
}

export function createRegistrar({ intake, tracking, deliveries, notices, clock }: RegistrarParts): Registrar {
  /** One map for each registration that is being stored: the removals that became known meanwhile, by execution. */
  const pending = new Set<Map<string, number>>();

  /** Writes that become durable together may be answered in any order, so a removal may be known before its registration. */
  async function store(registrations: readonly Registration[]) {
    const removed = new Map<string, number>();
    pending.add(removed);
    try {
      return { results: await intake.register(registrations, clock.now()), removed };
    } finally {
      pending.delete(removed);
    }
  }

  return {
    async register(registrations) {
      const { results, removed } = await store(registrations);
      for (const [index, result] of results.entries()) {
        const source = registrations[index]?.source;
        if (source !== undefined) notices.publish({ kind: 'registered', source, outcome: result.outcome });
        if (result.outcome === 'invalid') continue;
        const { execution } = result;
        const isRemoved = execution.registration <= (removed.get(keyText(execution)) ?? 0);
        if (!isRemoved) tracking.of(execution)?.track(execution);
      }
      for (const { callbackUrl } of registrations)
        if (callbackUrl !== undefined) deliveries.wake(callbackLane(callbackUrl));
      return results;
    },
    async remove(key) {
      const registration = await intake.remove(key, clock.now());
      if (registration === undefined) return false;
      for (const removed of pending) removed.set(keyText(key), registration);
      tracking.of(key)?.forget(key, registration);
      return true;
    },
  };
}
