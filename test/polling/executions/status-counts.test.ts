import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { StatusCounts } from '../../../src/polling/executions/status-counts.ts';
import { anExecution } from '../../support/executions.ts';

const executions = fc.array(
  fc
    .record({
      status: fc.constantFrom(undefined, 'IN_PROGRESS', 'PENDING', 'VALIDATING'),
      isStalled: fc.boolean(),
      isMissing: fc.boolean(),
    })
    .map(({ status, isStalled, isMissing }): Execution =>
      anExecution({
        ...(status === undefined ? {} : { status }),
        ...(isStalled ? { stalledAt: 1 } : {}),
        ...(isMissing ? { absence: { answers: 1, since: 1 } } : {}),
      }),
    ),
);

describe('counts by status', () => {
  it('equal those of a walk through all executions, whatever came and went', () => {
    fc.assert(
      fc.property(executions, executions, (stay, go) => {
        const counts = new StatusCounts();
        for (const one of [...go, ...stay]) counts.add(one);
        for (const one of go) counts.remove(one);
        const count = (status: string | undefined) => stay.filter((one) => one.status === status).length;
        const told = counts.statuses;
        expect([told.get('UNKNOWN') ?? 0, told.get('IN_PROGRESS') ?? 0, told.get('OTHER') ?? 0]).toEqual(
          [undefined, 'IN_PROGRESS', 'VALIDATING'].map(count),
        );
        expect(counts.stalled).toBe(stay.filter((one) => one.stalledAt !== undefined).length);
        const seen = stay.filter(({ status }) => status !== undefined);
        const areAllMissing = seen.every(({ absence }) => absence !== undefined);
        expect(counts.allMissing).toBe(areAllMissing ? seen.length : 0);
      }),
    );
  });
});
