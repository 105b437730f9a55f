import { sql } from 'kysely';
import type { ColumnDefinitionBuilder } from 'kysely';
import type { Db } from './database.ts';

/** The column type of a primary key whose values the database assigns and never uses twice. */
export interface Identity {
  readonly type: 'integer' | 'bigint';
  readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
const count = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);

async function createExecutionsTable(db: Db): Promise<void> {
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
    .addColumn('missing_since_date', 'bigint')
    .addColumn('sequence', 'bigint', required)
    .addColumn('last_polled_at', 'bigint')
    .addColumn('last_seen_at', 'bigint')
    .addColumn('tracked_since_date', 'bigint')
    .addColumn('tracking_ended_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .addPrimaryKeyConstraint('executions_key', ['account_id', 'region', 'lifecycle_execution_id'])
    .execute();
  await indexExecutions(db);
}

async function indexExecutions(db: Db): Promise<void> {
  const onExecutions = (name: string, columns: string[]) =>
    db.schema.createIndex(`executions_${name}`).on('executions').columns(columns);
  await onExecutions('by_id', ['lifecycle_execution_id']).execute();
  await onExecutions('of_target', ['account_id', 'region', 'registration']).execute();
  // `tracking_ended_at` is always null in this index. It is a column so that SQLite prefers this index to the one of all
  // executions of a target.
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
}

async function createEventsTable(db: Db, identity: Identity): Promise<void> {
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
}

async function createDeliveriesTable(db: Db, identity: Identity): Promise<void> {
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
    .addColumn('rung', 'bigint', count)
    .addColumn('first_attempt_at', 'bigint')
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
}

async function createLanesTable(db: Db): Promise<void> {
  await db.schema
    .createTable('lanes')
    .addColumn('lane', 'text', (column) => column.primaryKey())
    .addColumn('endpoint', 'text', required)
    .addColumn('failing_since', 'bigint')
    .addColumn('quiet_since', 'bigint')
    .addColumn('disabled_reason', 'text')
    .addColumn('stopped_until', 'bigint')
    .addColumn('stops', 'bigint', count)
    .addColumn('stop_url_key', 'text')
    .execute();
  await db.schema
    .createIndex('lanes_of_endpoint')
    .on('lanes')
    .columns(['endpoint', 'failing_since', 'disabled_reason', 'stopped_until'])
    .execute();
}

/** Creates the tables whose primary keys begin with an account and a Region. */
async function createTargetTables(db: Db): Promise<void> {
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
}

async function createStateTable(db: Db): Promise<void> {
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

/**
 * Creates all tables. Their columns are described in tables.ts. Each index serves a query that would read the whole table
 * without it.
 */
export async function createTables(db: Db, identity: Identity): Promise<void> {
  await createExecutionsTable(db);
  await createEventsTable(db, identity);
  await createDeliveriesTable(db, identity);
  await createLanesTable(db);
  await createTargetTables(db);
  await createStateTable(db);
}
