import { describe, expect, it } from 'vitest';
import { SOLE_TERM } from '../../src/store/store.ts';
import { NOW, TARGET, createStage, range, registration, seen } from './fixtures.ts';
import type { OpenStore } from './fixtures.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeIntake } from './intake.ts';
import { describeLedger } from './ledger.ts';
import { describeOperating } from './operating.ts';
import { describeOutbox } from './outbox.ts';
import { describeReading } from './reading.ts';
import { describeUpkeep } from './upkeep.ts';

/** What every store must do, whatever database it stands on. */
export function describeStore(name: string, open: OpenStore): void {
  describe(`the store on ${name}`, () => {
    describeIntake(open);
    describeLedger(open);
    describeOutbox(open);
    describeReading(open);
    describeOperating(open);
    describeUpkeep(open);

    it('reports no trouble while it works', async () => {
      await using store = await open({ clock: systemClock });
      expect(await store.trouble()).toBeUndefined();
    });

    it('finishes the calls under way before it closes', async () => {
      const store = await open({ clock: systemClock });
      const { registerAll } = createStage(store);
      const executions = await registerAll(range(100).map((number) => registration(number)));
      const ledger = store.ledgerOf(TARGET, SOLE_TERM);
      const writes = executions.flatMap((execution) => [
        ledger.record(seen(execution, 'FAILED'), ['a'], NOW),
        store.operating.pauseTarget({ ...TARGET, region: `r-${execution.registration}` }, true),
        ledger.loadRate(),
        store.reading.list({ limit: 1 }),
      ]);
      const closed = store[Symbol.asyncDispose]();
      const outcomes = await Promise.allSettled(writes);
      await closed;
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
    });
  });
}
