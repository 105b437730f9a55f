import { expect, test } from 'vitest';
import { KINDS } from '../support/receiver-kinds.ts';
import { deliverToEveryKind } from '../support/many-receivers.ts';

test('receivers of every kind get each event as often as the ladder says', { timeout: 120_000 }, async () => {
  const { faults, receivers, deliveries } = await deliverToEveryKind({ each: 4, events: 2, passes: 1 });
  expect(faults).toEqual([]);
  expect(receivers).toBe(4 * Object.keys(KINDS).length);
  expect(deliveries).toBe(receivers * 2);
});
