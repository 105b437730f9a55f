import { sql } from 'kysely';
import type { TargetKey } from '../../domain/execution/execution.ts';
import type { Ledger, QuietLook } from '../../polling/ledger.ts';
import type { Clock } from '../../runtime/clock.ts';
import { grouped } from '../../runtime/grouped.ts';
import { StoreError } from '../store-error.ts';
import type { Database, Db, Tenure } from './database.ts';
import { findDiscovered, knownOf, markPolicy } from './discovery.ts';
import { executionOf, resourcesColumns } from './execution-row.ts';
import { loadHazards, loadRate, saveHazards, saveRate } from './learnt.ts';
import { overRows } from './over-rows.ts';
import { endpointRecipient, recordChanges, recordEvents } from './recording.ts';
import type { RecordCall } from './recording.ts';
import { findTarget, upsertTarget } from './target-row.ts';

/** Rows written in one transaction, which takes some 10 ms. */
const MOST_RECORDED = 256;
const MOST_FLUSHED = 1000;

/** Leaves alone what has changed since the look: the change knows more. */
const writePolled = overRows(
  ['bigint', 'bigint', 'text', 'bigint', 'bigint', 'bigint'],
  (rows) => sql`
    with polled(registration, sequence, status, last_polled_at, missing_since, missing_answers) as (values ${rows})
    update executions set last_polled_at = polled.last_polled_at,
      missing_since = polled.missing_since, missing_answers = polled.missing_answers
    from polled
    where executions.registration = polled.registration
      and executions.tracking_ended_at is null and executions.sequence = polled.sequence
      and executions.status is not distinct from polled.status`,
);

/** A page of a target's executions that are not deleted, by ascending registration. */
function pageOf(db: Db, { accountId, region }: TargetKey, after: number, limit: number) {
  return db
    .selectFrom('executions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('region', '=', region)
    .where('deleted_at', 'is', null)
    .where('registration', '>', after)
    .orderBy('registration')
    .limit(limit);
}

/** Makes ledgers. Pollers that write at the same time share a transaction, whatever their targets. */
export function createLedgers(database: Database, clock: Clock): (target: TargetKey, term: number) => Ledger {
  const record = grouped({
    most: MOST_RECORDED,
    sizeOf: ({ endpoints }: RecordCall & Tenure) => 1 + endpoints.length,
    run: (calls) =>
      database.publish(async (db) => {
        const owned = await database.stillOwned(db, calls);
        const outcomes = await recordChanges(db, owned, clock.steadyNow());
        return calls.map((call) => outcomes.get(call) ?? 'conflict');
      }),
  });
  const flush = grouped({
    most: MOST_FLUSHED,
    sizeOf: ({ polled }: Tenure & { readonly polled: readonly QuietLook[] }) => polled.length,
    run: (calls) =>
      database.write(async (db) => {
        const owned = await database.stillOwned(db, calls);
        const polled = owned.flatMap((call) => call.polled);
        await writePolled(
          db,
          polled.map(({ registration, sequence, status = null, lastPolledAt = null, absence }) => {
            const { since = null, answers = null } = absence ?? {};
            return [registration, sequence, status, lastPolledAt, since, answers];
          }),
        );
        return calls.map(() => undefined);
      }),
  });

  return (target, term) => {
    const tenure = { target, term };
    const whileOwned =
      <T>(work: (db: Db) => Promise<T>) =>
      async (db: Db) => {
        if ((await database.stillOwned(db, [tenure])).length === 0)
          throw new StoreError('the target is owned by another process now');
        return work(db);
      };
    const write = <T>(work: (db: Db) => Promise<T>) => database.write(whileOwned(work));
    const key = (lifecycleExecutionId: string) => ({
      accountId: target.accountId,
      region: target.region,
      lifecycleExecutionId,
    });
    return {
      takesWrites: () => database.writeFailure() === undefined,
      loadTarget: () => database.read((db) => findTarget(db, target)),
      loadActive: (after, limit) =>
        database.read(async (db) => {
          // This leaves out deleted executions, too: a deletion ends tracking.
          const page = pageOf(db, target, after, limit).where('tracking_ended_at', 'is', null);
          return (await page.execute()).map(executionOf);
        }),
      find: (lifecycleExecutionId) =>
        database.read(async (db) => {
          const row = await pageOf(db, target, 0, 1)
            .where('lifecycle_execution_id', '=', lifecycleExecutionId)
            .executeTakeFirst();
          return row && executionOf(row);
        }),
      record: (change, endpoints, at) => record({ ...tenure, change, endpoints, at }),
      recordTarget: ({ problem, event }, endpoints) =>
        database.publish(
          whileOwned(async (db) => {
            await upsertTarget(db, target, {
              sequence: event.sequence,
              problem_kind: problem?.kind ?? null,
              problem_message: problem?.message ?? null,
              problem_since: problem?.since ?? null,
            });
            const recipients = endpoints.map(endpointRecipient);
            await recordEvents(db, [{ event, key: key(''), recipients, at: event.time }], clock.steadyNow());
          }),
        ),
      flushLooks: (polled) => flush({ ...tenure, polled }),
      openResources: (endedSince, after, limit) =>
        database.read(async (db) => {
          // A literal, so that SQLite sees that it can use its partial index.
          const page = pageOf(db, target, after, limit)
            .where('resources_truncated', '=', sql.lit(1))
            .where('tracking_ended_at', '>=', endedSince);
          return (await page.execute()).map(executionOf);
        }),
      completeResources: (registration, resources) =>
        write(async (db) => {
          await db
            .updateTable('executions')
            .set(resourcesColumns(resources))
            .where('registration', '=', registration)
            .execute();
        }),
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
