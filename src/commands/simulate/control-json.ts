import type {
  ActiveFault,
  Call,
  Choices,
  ExecutionRecord,
  PolicyNow,
  SeenImage,
  Session,
  Simulator,
} from '../../simulator/simulator.ts';

/** ISO 8601 with milliseconds. */
function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function executionJson({ startedAt, history, ...rest }: ExecutionRecord) {
  const last = history.at(-1);
  return {
    ...rest,
    startedAt: instant(startedAt),
    ...(last && { status: last.status }),
    history: history.map(({ at, ...step }) => ({ ...step, at: instant(at) })),
  };
}

export function resourceJson({ imageArn, action, now, reason, startedAt, endedAt, parts }: SeenImage) {
  return {
    imageArn,
    action,
    status: now,
    ...(now !== 'IN_PROGRESS' && reason !== undefined && { reason }),
    startedAt: instant(startedAt),
    ...(endedAt !== undefined && { endedAt: instant(endedAt) }),
    parts,
  };
}

export function callJson({ at, ...call }: Call) {
  return { ...call, at: instant(at) };
}

export function policyJson({ createdAt, lastRunAt, ...policy }: PolicyNow) {
  return {
    ...policy,
    createdAt: instant(createdAt),
    ...(lastRunAt !== undefined && { lastRunAt: instant(lastRunAt) }),
  };
}

export function faultJson({ id, fault: { forMs: _forMs, ...fault }, left, endsAt }: ActiveFault) {
  return {
    id,
    ...fault,
    ...(left < Infinity && { left }),
    ...(endsAt < Infinity && { endsAt: instant(endsAt) }),
  };
}

export function sessionJson({ issuedAt, expiresAt, ...session }: Session) {
  return { ...session, issuedAt: instant(issuedAt), expiresAt: instant(expiresAt) };
}

export function choicesJson({ cancelMs, updateMs, ...choices }: Choices) {
  return { ...choices, cancelSeconds: cancelMs / 1000, updateSeconds: updateMs / 1000 };
}

export function timeJson(simulator: Simulator) {
  return { isFrozen: simulator.isFrozen(), now: instant(Date.now()) };
}
