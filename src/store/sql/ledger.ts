import type { TargetKey } from '../../domain/execution/execution.ts';
import type { Ledger, QuietLook } from '../../polling/ledger.ts';
import { grouped } from '../../runtime/grouped.ts';
import { StoreError } from '../store-error.ts';
import type { Database, Db, Tenure } from './database.ts';
import { findDiscovered, knownOf, markPolicy } from './discovery.ts';
import { loadHazards, loadRate, saveHazards, saveRate } from './learnt.ts';
import { recordChanges } from './recording.ts';
import type { RecordCall } from './recording.ts';
import {
  completeResources,
  findActive,
  findExecution,
  findOpenResources,
  giveUpResources,
  writeLooks,
} from './target-executions.ts';
import { findTarget, recordTargetChange, upsertTarget } from './targets.ts';

/** Rows written in one transaction, which takes some 10 ms. */
const MOST_RECORDED = 256;
const MOST_FLUSHED = 1000;

interface FlushCall {
  readonly looks: readonly QuietLook[];
}

/** The writes of all ledgers that share transactions. */
function createGroupedWrites(database: Database) {
  return {
    record: grouped({
      most: MOST_RECORDED,
      sizeOf: ({ endpoints }: RecordCall & Tenure) => 1 + endpoints.length,
      run: (calls) =>
        database.publish(async (db) => {
          const owned = await database.stillOwned(db, calls);
          const outcomes = await recordChanges(db, owned);
          return calls.map((call) => outcomes.get(call) ?? 'conflict');
        }),
    }),
    flush: grouped({
      most: MOST_FLUSHED,
      sizeOf: ({ looks }: FlushCall & Tenure) => looks.length,
      run: (calls) =>
        database.write(async (db) => {
          const owned = await database.stillOwned(db, calls);
          await writeLooks(
            db,
            owned.flatMap(({ looks }) => looks),
          );
          return calls.map(() => undefined);
        }),
    }),
  };
}

/** Returns `work`, to be run only if the target is still owned in this term. */
function whileOwned<T>(database: Database, tenure: Tenure, work: (db: Db) => Promise<T>) {
  return async (db: Db): Promise<T> => {
    if ((await database.stillOwned(db, [tenure])).length === 0)
      throw new StoreError('the target is owned by another process now');
    return work(db);
  };
}

/** Creates ledgers. Pollers that write at the same time share a transaction, whatever their targets. */
export function createLedgers(database: Database): (target: TargetKey, term: number) => Ledger {
  const writes = createGroupedWrites(database);
  return (target, term) => {
    const tenure = { target, term };
    const write = <T>(work: (db: Db) => Promise<T>) => database.write(whileOwned(database, tenure, work));
    return {
      takesWrites: () => database.writeFailure() === undefined,
      loadTarget: () => database.read((db) => findTarget(db, target)),
      loadActive: (after, limit) => database.read((db) => findActive(db, target, after, limit)),
      find: (id) => database.read((db) => findExecution(db, target, id)),
      record: (change, endpoints, at) => writes.record({ ...tenure, change, endpoints, at }),
      recordTarget: (change, endpoints) =>
        database.publish(
          whileOwned(database, tenure, (db) => recordTargetChange(db, target, change, endpoints)),
        ),
      flushLooks: (looks) => writes.flush({ ...tenure, looks }),
      openResources: (endedSince, after, limit) =>
        database.read((db) => findOpenResources(db, target, endedSince, after, limit)),
      completeResources: (registration, resources) =>
        write((db) => completeResources(db, registration, resources)),
      giveUpResources: (registration) => write((db) => giveUpResources(db, registration)),
      findKnown: (ids) => database.read((db) => knownOf(db, target, ids)),
      loadDiscovery: () => database.read((db) => findDiscovered(db, target)),
      markPolicy: (policyArn, mark) => write((db) => markPolicy(db, target, policyArn, mark)),
      finishBaseline: (at) => write((db) => upsertTarget(db, target, { baselined_at: at })),
      loadRate: () => database.read((db) => loadRate(db, target)),
      saveRate: (rate) => write((db) => saveRate(db, target, rate)),
      loadHazards: () => database.read((db) => loadHazards(db, target)),
      saveHazards: (hazards, at) => write((db) => saveHazards(db, target, hazards, at)),
    };
  };
}
