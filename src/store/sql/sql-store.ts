import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../store.ts';
import { activeTargets, countActive } from './active-targets.ts';
import { ClaimBook } from './claim-book.ts';
import type { Database } from './database.ts';
import { createIntake } from './intake.ts';
import { createLedgers } from './ledger.ts';
import { createOperating } from './operating.ts';
import { createOutbox } from './outbox.ts';
import { createReading } from './reading.ts';
import { createUpkeep } from './upkeep.ts';

/** Creates the store over a database that has its tables. Closing the store closes the database. `newId` names claims. */
export function createSqlStore(database: Database, clock: Clock, newId: () => string): Store {
  const claims = new ClaimBook();
  return {
    ledgerOf: createLedgers(database),
    intake: createIntake(database, clock),
    outbox: createOutbox(database, claims, newId),
    reading: createReading(database, claims, clock),
    operating: createOperating(database, claims, clock),
    upkeep: createUpkeep(database, claims),
    activeTargets: () => database.read(activeTargets),
    countActive: (key) => countActive(database, key),
    trouble: database.trouble,
    [Symbol.asyncDispose]: () => database.close(),
  };
}
