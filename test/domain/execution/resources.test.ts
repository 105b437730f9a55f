import { expect, it } from 'vitest';
import { ResourceTally } from '../../../src/domain/execution/resources.ts';

it('resources are counted by action and status in alphabetical order', () => {
  const tally = new ResourceTally();
  for (const [action, status] of [
    ['DISABLE', 'SUCCESS'],
    ['DELETE', 'SUCCESS'],
    ['DELETE', 'FAILED'],
    ['DELETE', 'SUCCESS'],
  ] as const)
    tally.add({ action, status });
  expect(tally.summary(false)).toEqual({
    counts: [
      { action: 'DELETE', status: 'FAILED', count: 1 },
      { action: 'DELETE', status: 'SUCCESS', count: 2 },
      { action: 'DISABLE', status: 'SUCCESS', count: 1 },
    ],
    truncated: false,
  });
});

it('an empty list has no counts', () => {
  expect(new ResourceTally().summary(true)).toEqual({ counts: [], truncated: true });
});
