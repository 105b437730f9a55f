import { expect, test } from 'vitest';
import { killWhileDelivering } from '../support/kill-while-delivering.ts';

test('a daemon killed while it delivers loses nothing, and repeats only what was in flight', async () => {
  const { faults, deliveries, repeats, unsettled } = await killWhileDelivering({ kills: 4 });
  expect(faults).toEqual([]);
  expect(deliveries).toBeGreaterThan(1000);
  expect(unsettled).toBeGreaterThan(0);
  expect(repeats).toBeLessThanOrEqual(unsettled);
}, 180_000);
