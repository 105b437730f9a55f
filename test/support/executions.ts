import { newEvent } from '../../src/domain/change/event.ts';
import type { ExecutionEventType } from '../../src/domain/change/event.ts';
import type { Execution, Target } from '../../src/domain/execution/execution.ts';
import type { Observation } from '../../src/domain/execution/observation.ts';

export const TARGET: Target = { name: 'prod', accountId: '123456789012', region: 'eu-west-1' };

/** Makes an execution id from a number. */
export function executionId(number: number): string {
  return `lce-00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** An active execution that has never been polled. */
export function anExecution(differing: Partial<Execution> = {}): Execution {
  return {
    accountId: TARGET.accountId,
    region: TARGET.region,
    lifecycleExecutionId: executionId(1),
    tracking: 'active',
    registration: 1,
    source: 'api',
    registeredAt: Date.UTC(2026, 0, 1),
    labels: {},
    sequence: 0,
    ...differing,
  };
}

/** The body of an event. Its unusual whitespace shows whether a body is passed on unchanged. */
export function anEventBody({
  type = 'execution.expired',
  ...differing
}: Readonly<Record<string, unknown>> & { readonly type?: ExecutionEventType }): string {
  const hasSince = ['execution.stalled', 'execution.not_found', 'execution.expired'].includes(type);
  const change = { from: null, to: 'FAILED', lastSeenFromAt: null, firstSeenToAt: 0 };
  const { body } = newEvent(type, anExecution({ sequence: 1 }), TARGET, 0, hasSince ? { since: 0 } : change);
  return JSON.stringify({ ...(JSON.parse(body) as object), ...differing }, null, 3);
}

/** The result of a poll that was sent at `sentAt` and answered 50 ms later. */
export function anObservation(
  status: string,
  sentAt: number,
  differing: Partial<Observation> = {},
): Observation {
  return {
    status,
    sentAt,
    answeredAt: sentAt + 50,
    sentTick: sentAt,
    answeredTick: sentAt + 50,
    ...differing,
  };
}
