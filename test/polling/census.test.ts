import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../src/domain/execution/execution.ts';
import { Census } from '../../src/polling/census.ts';
import { anExecution } from '../support/executions.ts';

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

describe('a census', () => {
  it('tells what a walk through all would, after any coming and going', () => {
    fc.assert(
      fc.property(executions, executions, (stay, go) => {
        const census = new Census();
        for (const one of [...go, ...stay]) census.add(one);
        for (const one of go) census.remove(one);
        const count = (status: string | undefined) => stay.filter((one) => one.status === status).length;
        const told = census.statuses;
        expect([told.get('UNKNOWN') ?? 0, told.get('IN_PROGRESS') ?? 0, told.get('OTHER') ?? 0]).toEqual(
          [undefined, 'IN_PROGRESS', 'VALIDATING'].map(count),
        );
        expect(census.stalled).toBe(stay.filter((one) => one.stalledAt !== undefined).length);
        const seen = stay.filter(({ status }) => status !== undefined);
        const areAllMissing = seen.every(({ absence }) => absence !== undefined);
        expect(census.allMissing).toBe(areAllMissing ? seen.length : 0);
      }),
    );
  });
});
