import { defined } from '../../runtime/defined.ts';
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

/** Formats epoch milliseconds as ISO 8601 with milliseconds. */
function instant(ms: number): string {
  return new Date(ms).toISOString();
}

function optionalInstant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : instant(ms);
}

export function executionJson({ startedAt, history, ...rest }: ExecutionRecord) {
  return {
    ...rest,
    startedAt: instant(startedAt),
    ...defined({ status: history.at(-1)?.status }),
    history: history.map(({ at, ...step }) => ({ ...step, at: instant(at) })),
  };
}

export function resourceJson({ imageArn, action, now, reason, startedAt, endedAt, parts }: SeenImage) {
  return {
    imageArn,
    action,
    status: now,
    ...defined({ reason: now === 'IN_PROGRESS' ? undefined : reason }),
    startedAt: instant(startedAt),
    ...defined({ endedAt: optionalInstant(endedAt) }),
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
    ...defined({ lastRunAt: optionalInstant(lastRunAt) }),
  };
}

export function faultJson({ id, fault: { forMs: _forMs, ...fault }, left, endsAt }: ActiveFault) {
  return {
    id,
    ...fault,
    ...defined({
      left: left < Infinity ? left : undefined,
      endsAt: endsAt < Infinity ? instant(endsAt) : undefined,
    }),
  };
}

export function sessionJson({ issuedAt, expiresAt, ...session }: Session) {
  return { ...session, issuedAt: instant(issuedAt), expiresAt: instant(expiresAt) };
}

export function choicesJson({ cancelMs, updateMs, dateShiftMs, ...choices }: Choices) {
  return {
    ...choices,
    cancelSeconds: cancelMs / 1000,
    updateSeconds: updateMs / 1000,
    dateShiftSeconds: dateShiftMs / 1000,
  };
}

export function timeJson(simulator: Simulator) {
  return { isFrozen: simulator.isFrozen(), now: instant(Date.now()) };
}
