import { describe, expect, it } from 'vitest';
import { register } from '../../../src/domain/execution/registration.ts';
import type { Registration } from '../../../src/domain/execution/registration.ts';
import { anExecution, executionId } from '../../support/executions.ts';

const AT = Date.UTC(2026, 1, 1);
const registration = (differing: Partial<Registration> = {}): Registration => ({
  accountId: '123456789012',
  region: 'eu-west-1',
  lifecycleExecutionId: executionId(1),
  labels: {},
  source: 'api',
  ...differing,
});
const labels = (count: number, prefix: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'x']));

describe('a registration', () => {
  it('starts tracking an unknown execution', () => {
    const result = register(undefined, registration({ labels: { a: '1' }, expectedAt: 5 }), AT, 7);
    expect(result).toEqual({
      outcome: 'created',
      execution: {
        ...registration({ labels: { a: '1' }, expectedAt: 5 }),
        tracking: 'active',
        registration: 7,
        registeredAt: AT,
        sequence: 0,
      },
    });
  });

  it.each(['active', 'finished'] as const)(
    'keeps the members of an execution that is %s and merges labels',
    (tracking) => {
      const known = anExecution({
        tracking,
        labels: { a: '1', b: '2' },
        resourceArn: 'arn:one',
        sequence: 3,
        status: 'FAILED',
      });
      const again = registration({
        labels: { b: '3', c: '4' },
        resourceArn: 'arn:two',
        expectedAt: 9,
        giveUpAt: 10,
      });
      expect(register(known, again, AT, 7)).toEqual({
        outcome: 'existing',
        unchanged: ['resourceArn'],
        execution: { ...known, labels: { a: '1', b: '3', c: '4' }, expectedAt: 9, giveUpAt: 10 },
      });
    },
  );

  it('reports nothing as unchanged if it repeats the same values', () => {
    const known = anExecution({ resourceArn: 'arn:one' });
    expect(register(known, registration({ resourceArn: 'arn:one' }), AT, 7)).toMatchObject({ unchanged: [] });
  });

  it.each([
    ['deleted', anExecution({ deletedAt: 1, sequence: 4, status: 'FAILED', labels: { old: '1' } })],
    [
      'not_found',
      anExecution({ tracking: 'not_found', sequence: 4, status: 'FAILED', labels: { old: '1' } }),
    ],
    ['expired', anExecution({ tracking: 'expired', sequence: 4, status: 'FAILED', labels: { old: '1' } })],
  ])('tracks an execution anew that was %s and continues its sequence', (_name, known) => {
    const result = register(known, registration({ labels: { fresh: '1' } }), AT, 7);
    expect(result).toEqual({
      outcome: 'created',
      execution: {
        ...registration({ labels: { fresh: '1' } }),
        tracking: 'active',
        registration: 7,
        registeredAt: AT,
        sequence: 4,
      },
    });
  });

  it('is invalid if the execution would have more than 32 labels', () => {
    expect(register(undefined, registration({ labels: labels(33, 'a') }), AT, 1)).toEqual({
      outcome: 'invalid',
      reason: 'too_many_labels',
    });
    const known = anExecution({ labels: labels(20, 'a') });
    expect(register(known, registration({ labels: labels(13, 'b') }), AT, 1)).toMatchObject({
      outcome: 'invalid',
    });
    expect(register(known, registration({ labels: labels(20, 'a') }), AT, 1)).toMatchObject({
      outcome: 'existing',
    });
    const deleted = anExecution({ labels: labels(32, 'a'), deletedAt: 1 });
    expect(register(deleted, registration({ labels: labels(32, 'b') }), AT, 1)).toMatchObject({
      outcome: 'created',
    });
  });
});
