import { sql } from 'kysely';
import type { ColumnDefinitionBuilder } from 'kysely';
import { StoreUnavailableError } from '../store-error.ts';
import type { Db } from './database.ts';

/**
 * The number of the schema below. Until version 0.2.0 is released, whoever changes the schema edits it in place and raises this
 * number, and a store with another number is refused. Numbers up to 7 were given to migrations.
 */
export const SCHEMA_VERSION = 8;

/** The way in which a database makes a primary key whose values it assigns itself and never uses twice. */
export interface Identity {
  readonly type: 'integer' | 'bigint';
  readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
const count = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);

/** Instants are epoch milliseconds. Each index serves a query that would read the whole table without it. */
async function createTables(db: Db, identity: Identity): Promise<void> {
  await db.schema
    .createTable('executions')
    .addColumn('account_id', 'text', required)
    .addColumn('region', 'text', required)
    .addColumn('lifecycle_execution_id', 'text', required)
    .addColumn('registration', 'bigint', (column) => column.notNull().unique())
    .addColumn('tracking', 'text', required)
    .addColumn('labels', 'text', required)
    .addColumn('resource_arn', 'text')
    .addColumn('callback_url', 'text')
    .addColumn('expected_at', 'bigint')
    .addColumn('give_up_at', 'bigint')
    .addColumn('source', 'text', required)
    .addColumn('registered_by', 'text')
    .addColumn('registered_at', 'bigint', required)
    .addColumn('status', 'text')
    .addColumn('reason', 'text')
    .addColumn('lifecycle_policy_arn', 'text')
    .addColumn('has_impacted_resources', 'bigint')
    .addColumn('start_time', 'bigint')
    .addColumn('end_time', 'bigint')
    .addColumn('resources', 'text')
    .addColumn('resources_truncated', 'bigint')
    .addColumn('status_since', 'bigint')
    .addColumn('stalled_at', 'bigint')
    .addColumn('missing_since', 'bigint')
    .addColumn('missing_answers', 'bigint')
    .addColumn('sequence', 'bigint', required)
    .addColumn('last_polled_at', 'bigint')
    .addColumn('tracking_ended_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .addPrimaryKeyConstraint('executions_key', ['account_id', 'region', 'lifecycle_execution_id'])
    .execute();
  const onExecutions = (name: string, columns: string[]) =>
    db.schema.createIndex(`executions_${name}`).on('executions').columns(columns);
  await onExecutions('by_id', ['lifecycle_execution_id']).execute();
  await onExecutions('of_target', ['account_id', 'region', 'registration']).execute();
  // `tracking_ended_at` is always null here. It is a column so that SQLite prefers this index to the one of all executions of a
  // target.
  await onExecutions('active', ['account_id', 'region', 'tracking_ended_at', 'registration'])
    .where(sql<boolean>`tracking_ended_at is null`)
    .execute();
  await onExecutions('by_tracking', ['tracking', 'registration']).execute();
  await onExecutions('by_status', ['status', 'registration']).execute();
  await onExecutions('by_policy', ['lifecycle_policy_arn', 'registration']).execute();
  await onExecutions('ended', ['tracking_ended_at'])
    .where(sql<boolean>`tracking_ended_at is not null`)
    .execute();
  await onExecutions('truncated', ['account_id', 'region', 'resources_truncated', 'registration'])
    .where(sql<boolean>`resources_truncated = 1`)
    .execute();

  await db.schema
    .createTable('events')
    .addColumn('position', identity.type, identity.build)
    .addColumn('id', 'text', required)
    .addColumn('type', 'text', required)
    .addColumn('time', 'bigint', required)
    .addColumn('account_id', 'text', required)
    .addColumn('region', 'text', required)
    .addColumn('lifecycle_execution_id', 'text', required)
    .addColumn('body', 'text', required)
    .addColumn('orphaned', 'bigint', count)
    .execute();
  const onEvents = (name: string, columns: string[]) =>
    db.schema.createIndex(`events_${name}`).on('events').columns(columns);
  await onEvents('of_execution', ['account_id', 'region', 'lifecycle_execution_id', 'position']).execute();
  await onEvents('by_type', ['type', 'position']).execute();
  await onEvents('by_event_id', ['id']).execute();
  await onEvents('of_targets', ['time'])
    .where(sql<boolean>`lifecycle_execution_id = '' and orphaned = 0`)
    .execute();

  await db.schema
    .createTable('deliveries')
    .addColumn('id', identity.type, identity.build)
    .addColumn('event_position', 'bigint', (column) => column.notNull().references('events.position'))
    .addColumn('endpoint', 'text', required)
    .addColumn('lane', 'text', required)
    .addColumn('url', 'text')
    .addColumn('state', 'text', required)
    .addColumn('created_at', 'bigint', required)
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('attempts', 'bigint', count)
    .addColumn('attempts_ever', 'bigint', count)
    .addColumn('attempt_log', 'text')
    .addColumn('earlier_attempts', 'text')
    .addColumn('settled_at', 'bigint')
    .execute();
  const onDeliveries = (name: string, columns: string[]) =>
    db.schema.createIndex(`deliveries_${name}`).on('deliveries').columns(columns);
  await onDeliveries('of_event', ['event_position']).execute();
  await onDeliveries('due', ['lane', 'next_attempt_at', 'id'])
    .where(sql<boolean>`state = 'pending'`)
    .execute();
  await onDeliveries('dead', ['endpoint', 'id'])
    .where(sql<boolean>`state = 'dead'`)
    .execute();
  await onDeliveries('settled', ['state', 'settled_at'])
    .where(sql<boolean>`settled_at is not null`)
    .execute();
  await onDeliveries('of_endpoint', ['endpoint', 'id']).execute();

  await db.schema
    .createTable('lanes')
    .addColumn('lane', 'text', (column) => column.primaryKey())
    .addColumn('endpoint', 'text', required)
    .addColumn('failing_since', 'bigint')
    .addColumn('disabled_reason', 'text')
    .execute();
  await db.schema
    .createIndex('lanes_of_endpoint')
    .on('lanes')
    .columns(['endpoint', 'failing_since', 'disabled_reason'])
    .execute();

  const forTarget = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn('account_id', 'text', required)
      .addColumn('region', 'text', required);
  await forTarget('targets')
    .addColumn('paused', 'bigint', count)
    .addColumn('sequence', 'bigint', count)
    .addColumn('problem_kind', 'text')
    .addColumn('problem_message', 'text')
    .addColumn('problem_since', 'bigint')
    .addColumn('baselined_at', 'bigint')
    .addPrimaryKeyConstraint('targets_key', ['account_id', 'region'])
    .execute();
  await forTarget('rates')
    .addColumn('per_second', 'double precision', required)
    .addColumn('throttled_at', 'double precision')
    .addPrimaryKeyConstraint('rates_key', ['account_id', 'region'])
    .execute();
  await forTarget('policies')
    .addColumn('policy_arn', 'text', required)
    .addColumn('watermark', 'bigint')
    .addColumn('listed_at', 'bigint', required)
    .addColumn('listed_in_full_at', 'bigint', required)
    .addColumn('newest_first', 'bigint', required)
    .addPrimaryKeyConstraint('policies_key', ['account_id', 'region', 'policy_arn'])
    .execute();
  await forTarget('hazards')
    .addColumn('policy_arn', 'text', required)
    .addColumn('kind', 'text', required)
    .addColumn('counts', 'text', required)
    .addColumn('learnt_at', 'bigint', required)
    .addPrimaryKeyConstraint('hazards_key', ['account_id', 'region', 'policy_arn', 'kind'])
    .execute();

  await db.schema
    .createTable('store_state')
    .addColumn('schema_version', 'bigint', required)
    .addColumn('epoch', 'text', required)
    .addColumn('last_registration', 'bigint', count)
    .addColumn('events_deleted_up_to', 'bigint', count)
    .addColumn('event_deletions', 'bigint', count)
    .addColumn('touched', 'bigint', count)
    .execute();
}

/** The beginning of a copy's epoch, until its first start gives it one of its own. */
export const MARK_OF_COPY = 'copy of ';

const OTHER_VERSION = (written: string, advice: string) =>
  new StoreUnavailableError(
    `it was written by ${written}; this one needs schema ${SCHEMA_VERSION}: ${advice}`,
  );
const NEW_STORE = 'begin with a new store, or go on with the version that wrote this one';

/** Returns whether there are any tables. Rejects with `StoreUnavailableError` if they are those of another version. */
async function hasTables(db: Db): Promise<boolean> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (tables.length === 0) return false;
  const state = tables.find(({ name }) => name === 'store_state');
  if (state?.columns.some(({ name }) => name === 'schema_version') !== true)
    throw OTHER_VERSION('an older version', NEW_STORE);
  const { schema_version: version } = await db
    .selectFrom('store_state')
    .select('schema_version')
    .executeTakeFirstOrThrow();
  if (version > SCHEMA_VERSION)
    throw OTHER_VERSION(`a newer version (schema ${version})`, 'start that version');
  if (version < SCHEMA_VERSION) throw OTHER_VERSION(`an older version (schema ${version})`, NEW_STORE);
  return true;
}

/**
 * Makes the tables if there are none, and gives a new store, and a copy at its first start, an epoch of its own. Rejects with
 * `StoreUnavailableError`, and changes nothing, if the tables are those of another version. Must run inside a transaction.
 */
export async function prepareSchema(db: Db, identity: Identity, newId: () => string): Promise<void> {
  if (!(await hasTables(db))) {
    await createTables(db, identity);
    await db.insertInto('store_state').values({ schema_version: SCHEMA_VERSION, epoch: newId() }).execute();
  }
  await db
    .updateTable('store_state')
    .set({ epoch: newId() })
    .where('epoch', 'like', `${MARK_OF_COPY}%`)
    .execute();
}

/** Changes a row, to find out whether the store can be written. Must run inside a transaction. */
export async function touch(db: Db): Promise<void> {
  await db
    .updateTable('store_state')
    .set((eb) => ({ touched: eb('touched', '+', 1) }))
    .execute();
}
