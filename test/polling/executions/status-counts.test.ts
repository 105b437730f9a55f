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
  it('equal a full count of the tracked executions, whatever was added and removed', () => {
    fc.assert(
      fc.property(executions, executions, (kept, removed) => {
        const counts = new StatusCounts();
        for (const execution of [...removed, ...kept]) counts.add(execution);
        for (const execution of removed) counts.remove(execution);
        const count = (status: string | undefined) =>
          kept.filter((execution) => execution.status === status).length;
        const { statuses } = counts;
        expect([
          statuses.get('UNKNOWN') ?? 0,
          statuses.get('IN_PROGRESS') ?? 0,
          statuses.get('OTHER') ?? 0,
        ]).toEqual([undefined, 'IN_PROGRESS', 'VALIDATING'].map(count));
        expect(counts.stalled).toBe(kept.filter((execution) => execution.stalledAt !== undefined).length);
        const seen = kept.filter(({ status }) => status !== undefined);
        const areAllMissing = seen.every(({ absence }) => absence !== undefined);
        expect(counts.allMissing).toBe(areAllMissing ? seen.length : 0);
      }),
    );
  });
});
