import { CloudEvent } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectionLagSeconds, eventId } from '../../../src/domain/change/event.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { TARGET, anExecution, anObservation, executionId } from '../../support/executions.ts';

const T0 = Date.UTC(2026, 10, 23, 6, 0, 0, 801);

function failed() {
  const execution = anExecution({
    status: 'IN_PROGRESS',
    sequence: 1,
    lastSeenAt: T0,
    labels: { team: 'platform' },
    resourceArn: 'arn:aws:imagebuilder:eu-west-1:123456789012:image/a/1.0.0/1',
  });
  const observation = anObservation('FAILED', T0 + 9000, {
    reason: 'one AMI is in use',
    startTime: T0,
    endTime: T0 + 5000,
    hasImpactedResources: true,
  });
  return transition(execution, TARGET, observation)!;
}

describe('the event of a status change', () => {
  it('contains the execution, the change, its times and the detection lag', () => {
    const { event } = failed();
    expect(JSON.parse(event!.body)).toEqual({
      specversion: '1.0',
      id: event!.id,
      source: '/imagebuilder/123456789012/eu-west-1',
      type: 'lifecycle-watcher.execution.failed',
      subject: executionId(1),
      time: '2026-11-23T06:00:09.851Z',
      datacontenttype: 'application/json',
      executionsequence: 2,
      data: {
        target: TARGET,
        execution: {
          lifecycleExecutionId: executionId(1),
          resourceArn: 'arn:aws:imagebuilder:eu-west-1:123456789012:image/a/1.0.0/1',
          status: 'FAILED',
          reason: 'one AMI is in use',
          startTime: '2026-11-23T06:00:00.801Z',
          endTime: '2026-11-23T06:00:05.801Z',
          hasImpactedResources: true,
        },
        transition: {
          from: 'IN_PROGRESS',
          to: 'FAILED',
          lastSeenFromAt: '2026-11-23T06:00:00.801Z',
          firstSeenToAt: '2026-11-23T06:00:09.851Z',
          detectionLagSeconds: 4.05,
        },
        labels: { team: 'platform' },
      },
    });
  });

  it('is valid according to the CloudEvents reference implementation', () => {
    const parsed = new CloudEvent(JSON.parse(failed().event!.body) as object);
    expect(parsed.validate()).toBe(true);
    expect(parsed['executionsequence']).toBe(2);
  });

  it('has no previous status on the first look', () => {
    const { event } = transition(anExecution(), TARGET, anObservation('SUCCESS', T0))!;
    expect(JSON.parse(event!.body)).toMatchObject({
      data: { transition: { from: null, lastSeenFromAt: null } },
    });
  });
});

describe('the id of an event', () => {
  it('is the same for a final status at any time and with any sequence', () => {
    const ends = anExecution({ status: 'SUCCESS' });
    expect(eventId('execution.succeeded', { ...ends, sequence: 1 }, T0)).toBe(
      eventId('execution.succeeded', { ...ends, sequence: 7 }, T0 + 1),
    );
  });

  it('differs with each of its parts', () => {
    const paused = anExecution({ status: 'PENDING', sequence: 3 });
    const ids = [
      eventId('execution.pending', paused, T0),
      eventId('execution.resumed', paused, T0),
      eventId('execution.pending', paused, T0 + 1),
      eventId('execution.pending', { ...paused, sequence: 4 }, T0),
      eventId('execution.pending', { ...paused, accountId: '000000000001' }, T0),
      eventId('execution.pending', { ...paused, region: 'us-east-1' }, T0),
      eventId('execution.pending', { ...paused, lifecycleExecutionId: executionId(2) }, T0),
      eventId('execution.failed', { ...paused, status: 'FAILED' }, T0),
      eventId('execution.cancelled', { ...paused, status: 'CANCELLED' }, T0),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the detection lag', () => {
  it('is never negative and is undefined without an end', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), (laterMs) => {
        const lag = detectionLagSeconds(anExecution({ status: 'FAILED', endTime: T0 }), T0 + laterMs);
        expect(lag).toBe(Math.max(0, laterMs) / 1000);
      }),
    );
    expect(detectionLagSeconds(anExecution({ status: 'FAILED' }), T0)).toBeUndefined();
    expect(detectionLagSeconds(anExecution({ status: 'PENDING', endTime: T0 }), T0)).toBeUndefined();
    expect(detectionLagSeconds(anExecution(), T0)).toBeUndefined();
  });
});
