import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInOrder } from '../../../src/domain/execution/observation.ts';
import { STATUSES, isFinal, statusLabel } from '../../../src/domain/execution/status.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { TARGET, anExecution, anObservation } from '../../support/executions.ts';

const T0 = Date.UTC(2026, 10, 23, 6);

describe('transition', () => {
  it.each([
    ['PENDING', undefined],
    ['IN_PROGRESS', undefined],
    ['CANCELLING', undefined],
    ['SUCCESS', 'execution.succeeded'],
    ['FAILED', 'execution.failed'],
    ['CANCELLED', 'execution.cancelled'],
    ['AWAITING_APPROVAL', 'execution.unknown_status'],
  ])('a first look that finds %s has the event %s', (status, type) => {
    const change = transition(anExecution(), TARGET, anObservation(status, T0));
    expect(change?.event?.type).toBe(type);
    expect(change?.from).toBeNull();
    expect(change?.next.sequence).toBe(type === undefined ? 0 : 1);
  });

  it.each([
    ['PENDING', 'execution.pending'],
    ['IN_PROGRESS', 'execution.resumed'],
    ['CANCELLING', 'execution.cancelling'],
    ['SUCCESS', 'execution.succeeded'],
    ['FAILED', 'execution.failed'],
    ['CANCELLED', 'execution.cancelled'],
    ['AWAITING_APPROVAL', 'execution.unknown_status'],
  ])('a change to %s has the event %s', (status, type) => {
    const seen = anExecution({ status: 'SOMETHING_ELSE', sequence: 4, lastSeenAt: T0 - 5000 });
    const change = transition(seen, TARGET, anObservation(status, T0));
    expect(change?.event).toMatchObject({ type, sequence: 5, time: T0 + 50 });
    expect(change?.next).toMatchObject({ status, statusSince: T0 + 50, lastPolledAt: T0, lastSeenAt: T0 });
    expect(JSON.parse(change?.event?.body ?? '')).toMatchObject({
      data: {
        transition: { from: 'SOMETHING_ELSE', to: status, lastSeenFromAt: new Date(T0 - 5000).toISOString() },
      },
    });
  });

  it('ends tracking on a final status only', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...STATUSES), fc.string({ minLength: 1 })), (status) => {
        const next = transition(anExecution(), TARGET, anObservation(status, T0))?.next;
        expect(next?.tracking).toBe(isFinal(status) ? 'finished' : 'active');
        expect(next?.trackingEndedAt).toBe(isFinal(status) ? T0 + 50 : undefined);
      }),
    );
  });

  it('moves the beginning of a stay that lies in the future even for AWS, and reports nothing', () => {
    const seen = anExecution({ status: 'IN_PROGRESS', statusSince: T0 + 91 * 86_400_000, sequence: 4 });
    const change = transition(seen, TARGET, anObservation('IN_PROGRESS', T0, { answerDate: T0 }));
    expect(change).toMatchObject({ next: { statusSince: T0 + 50, sequence: 4 }, isNewStatus: false });
    expect(change).not.toHaveProperty('event');
  });

  it.each([
    ['only our clock says so, which was set back', {}, { answerDate: T0 + 10_000_000 }],
    ['AWS does not say what time it is', {}, {}],
    ['the stay waits for its expected time', { expectedAt: T0 + 9_000_000 }, { answerDate: T0 }],
  ])('keeps the beginning of a stay that lies in the future if %s', (_case, wishes, dated) => {
    const seen = anExecution({ status: 'IN_PROGRESS', statusSince: T0 + 9_000_000, ...wishes });
    expect(transition(seen, TARGET, anObservation('IN_PROGRESS', T0, dated))).toBeUndefined();
  });

  it('returns nothing if nothing has changed', () => {
    const first = transition(
      anExecution(),
      TARGET,
      anObservation('IN_PROGRESS', T0, { startTime: T0 - 1000 }),
    );
    const again = anObservation('IN_PROGRESS', T0 + 9000, { startTime: T0 - 1000 });
    expect(transition(first!.next, TARGET, again)).toBeUndefined();
  });

  it('stores new details of the same status without an event', () => {
    const seen = anExecution({ status: 'IN_PROGRESS', statusSince: T0, sequence: 2 });
    const change = transition(
      seen,
      TARGET,
      anObservation('IN_PROGRESS', T0 + 1, { hasImpactedResources: true }),
    );
    expect(change).toMatchObject({
      isNewStatus: false,
      next: { hasImpactedResources: true, sequence: 2, statusSince: T0 },
    });
    expect(change?.event).toBeUndefined();
  });

  it('drops a reason that AWS no longer gives', () => {
    const seen = anExecution({ status: 'PENDING', reason: 'too many requests' });
    expect(transition(seen, TARGET, anObservation('IN_PROGRESS', T0))?.next).not.toHaveProperty('reason');
  });

  it('starts the first stay IN_PROGRESS at startTime, but not before expectedAt', () => {
    const observation = anObservation('IN_PROGRESS', T0, { startTime: T0 - 60_000 });
    expect(transition(anExecution(), TARGET, observation)?.next.statusSince).toBe(T0 - 60_000);
    const expected = anExecution({ expectedAt: T0 - 10_000 });
    expect(transition(expected, TARGET, observation)?.next.statusSince).toBe(T0 - 10_000);
    expect(transition(anExecution(), TARGET, anObservation('IN_PROGRESS', T0))?.next.statusSince).toBe(
      T0 + 50,
    );
  });

  it('numbers the events of an execution 1, 2, 3 … and never repeats a status', () => {
    const statuses = fc.array(fc.constantFrom('PENDING', 'IN_PROGRESS', 'CANCELLING', 'ODD', 'ODDER'));
    fc.assert(
      fc.property(statuses, (seen) => {
        let execution = anExecution();
        const sequences: number[] = [];
        for (const [index, status] of seen.entries()) {
          const before = execution.status;
          const change = transition(execution, TARGET, anObservation(status, T0 + index * 1000));
          expect(change === undefined).toBe(before === status);
          if (change === undefined) continue;
          execution = change.next;
          if (change.event !== undefined) sequences.push(change.event.sequence);
        }
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
        expect(execution.sequence).toBe(sequences.length);
      }),
    );
  });
});

describe('the order of observations', () => {
  it('accepts only an observation that was sent after the last answer', () => {
    const observation = anObservation('IN_PROGRESS', 1000);
    expect(isInOrder(observation, undefined)).toBe(true);
    expect(isInOrder(observation, 1000)).toBe(true);
    expect(isInOrder(observation, 1001)).toBe(false);
  });
});

describe('status labels', () => {
  it('are a closed list', () => {
    expect(statusLabel(undefined)).toBe('UNKNOWN');
    expect(statusLabel('SUCCESS')).toBe('SUCCESS');
    expect(statusLabel('anything else')).toBe('OTHER');
  });
});
