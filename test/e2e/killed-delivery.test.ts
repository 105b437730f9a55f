import { expect, test } from 'vitest';
import { killWhileDelivering } from '../support/killing.ts';

test('a daemon killed while it delivers loses nothing, and repeats only what was in flight', async () => {
  const { faults, deliveries, repeats, inFlight } = await killWhileDelivering({ kills: 4 });
  expect(faults).toEqual([]);
  expect(deliveries).toBeGreaterThan(1000);
  expect(inFlight).toBeGreaterThan(0);
  expect(repeats).toBeLessThanOrEqual(inFlight);
}, 180_000);
