import type { Execution, ExecutionKey, Source, Wishes } from './execution.ts';

/** A validated request to track an execution, resolved to its account and Region. */
export interface Registration extends ExecutionKey, Wishes {
  readonly source: Source;
  readonly registeredBy?: string;
}

export const MAX_LABELS = 32;

/** The members of a registration that cannot be changed once they are set. */
export const FIXED_MEMBERS = ['resourceArn', 'callbackUrl', 'expectedAt', 'giveUpAt'] as const;
export type FixedMember = (typeof FIXED_MEMBERS)[number];

/** The outcomes of a registration; also the `outcome` label of `registrations_total`. */
export const REGISTRATION_OUTCOMES = ['created', 'existing', 'invalid'] as const;
export type RegistrationOutcome = (typeof REGISTRATION_OUTCOMES)[number];

export type RegistrationResult =
  | { readonly outcome: 'created'; readonly execution: Execution }
  | {
      readonly outcome: 'existing';
      readonly execution: Execution;
      readonly unchanged: readonly FixedMember[];
    }
  | { readonly outcome: 'invalid'; readonly reason: 'too_many_labels' };

function isTracked(execution: Execution): boolean {
  return (
    execution.deletedAt === undefined &&
    (execution.tracking === 'active' || execution.tracking === 'finished')
  );
}

/**
 * Applies a registration to an execution. If it exists and is active or finished, labels are merged with the new values
 * winning, unset members are set, and members with another value stay as they are and are listed in `unchanged`. Otherwise
 * it is tracked anew with the registration number `number`, and only its event sequence continues.
 */
export function register(
  existing: Execution | undefined,
  registration: Registration,
  at: number,
  number: number,
): RegistrationResult {
  const labels =
    existing !== undefined && isTracked(existing)
      ? { ...existing.labels, ...registration.labels }
      : registration.labels;
  if (Object.keys(labels).length > MAX_LABELS) return { outcome: 'invalid', reason: 'too_many_labels' };

  if (existing === undefined || !isTracked(existing)) {
    const sequence = existing?.sequence ?? 0;
    const execution = {
      ...registration,
      tracking: 'active',
      registration: number,
      registeredAt: at,
      sequence,
    } as const;
    return { outcome: 'created', execution };
  }
  const unset = FIXED_MEMBERS.filter(
    (member) => existing[member] === undefined && registration[member] !== undefined,
  );
  const unchanged = FIXED_MEMBERS.filter(
    (member) =>
      existing[member] !== undefined &&
      registration[member] !== undefined &&
      existing[member] !== registration[member],
  );
  const added = Object.fromEntries(unset.map((member) => [member, registration[member]]));
  return { outcome: 'existing', execution: { ...existing, labels, ...added }, unchanged };
}
