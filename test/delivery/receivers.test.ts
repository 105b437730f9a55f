import { expect, test } from 'vitest';
import { KINDS } from '../support/receiver-kinds.ts';
import { deliverToEveryKind } from '../support/many-receivers.ts';

test(
  'every kind of receiver gets each event as often as the retry ladder allows',
  { timeout: 120_000 },
  async () => {
    const { faults, receivers, deliveries } = await deliverToEveryKind({ each: 4, events: 2, passes: 1 });
    expect(faults).toEqual([]);
    expect(receivers).toBe(4 * Object.keys(KINDS).length);
    expect(deliveries).toBe(receivers * 2);
  },
);
