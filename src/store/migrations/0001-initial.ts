import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** The first schema. Instants are epoch milliseconds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('executions')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('lifecycle_execution_id', 'text', (column) => column.notNull())
    .addColumn('registration', 'integer', (column) => column.notNull().unique())
    .addColumn('tracking', 'text', (column) => column.notNull())
    .addColumn('labels', 'text', (column) => column.notNull())
    .addColumn('resource_arn', 'text')
    .addColumn('callback_url', 'text')
    .addColumn('expected_at', 'integer')
    .addColumn('give_up_at', 'integer')
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('registered_by', 'text')
    .addColumn('registered_at', 'integer', (column) => column.notNull())
    .addColumn('status', 'text')
    .addColumn('reason', 'text')
    .addColumn('lifecycle_policy_arn', 'text')
    .addColumn('has_impacted_resources', 'integer')
    .addColumn('start_time', 'integer')
    .addColumn('end_time', 'integer')
    .addColumn('status_since', 'integer')
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('last_polled_at', 'integer')
    .addColumn('tracking_ended_at', 'integer')
    .addColumn('deleted_at', 'integer')
    .addPrimaryKeyConstraint('executions_key', ['account_id', 'region', 'lifecycle_execution_id'])
    .execute();
  await db.schema.createIndex('executions_by_id').on('executions').column('lifecycle_execution_id').execute();
  await db.schema
    .createIndex('executions_active')
    .on('executions')
    .columns(['account_id', 'region', 'registration'])
    .where(sql.ref('tracking'), '=', sql.lit('active'))
    .execute();
  for (const column of ['tracking', 'status', 'lifecycle_policy_arn'])
    await db.schema
      .createIndex(`executions_by_${column}`)
      .on('executions')
      .columns([column, 'registration'])
      .execute();
  await db.schema
    .createIndex('executions_ended')
    .on('executions')
    .column('tracking_ended_at')
    .where(sql.ref('tracking_ended_at'), 'is not', sql.lit(null))
    .execute();

  await db.schema
    .createTable('events')
    .addColumn('position', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('time', 'integer', (column) => column.notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('lifecycle_execution_id', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('orphaned', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex('events_of_execution')
    .on('events')
    .columns(['account_id', 'region', 'lifecycle_execution_id', 'position'])
    .execute();
  await db.schema.createIndex('events_by_type').on('events').columns(['type', 'position']).execute();
  await db.schema
    .createIndex('events_orphaned')
    .on('events')
    .column('position')
    .where(sql.ref('orphaned'), '=', sql.lit(1))
    .execute();

  await db.schema
    .createTable('deliveries')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('event_position', 'integer', (column) => column.notNull().references('events.position'))
    .addColumn('endpoint', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('next_attempt_at', 'integer')
    .addColumn('claim', 'text')
    .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('settled_at', 'integer')
    .execute();
  await db.schema.createIndex('deliveries_of_event').on('deliveries').column('event_position').execute();
  await db.schema
    .createIndex('deliveries_due')
    .on('deliveries')
    .columns(['endpoint', 'next_attempt_at', 'id'])
    .where(sql.ref('state'), '=', sql.lit('pending'))
    .execute();
  await db.schema
    .createIndex('deliveries_by_state')
    .on('deliveries')
    .columns(['state', 'settled_at', 'endpoint', 'created_at'])
    .execute();

  await db.schema
    .createTable('attempts')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('delivery_id', 'integer', (column) =>
      column.notNull().references('deliveries.id').onDelete('cascade'),
    )
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('http_status', 'integer')
    .addColumn('duration_seconds', 'real', (column) => column.notNull())
    .addColumn('error', 'text')
    .execute();
  await db.schema.createIndex('attempts_of_delivery').on('attempts').column('delivery_id').execute();

  await db.schema
    .createTable('rates')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('per_second', 'real', (column) => column.notNull())
    .addColumn('throttled_at', 'real')
    .addPrimaryKeyConstraint('rates_key', ['account_id', 'region'])
    .execute();

  await db.schema
    .createTable('store_state')
    .addColumn('epoch', 'text', (column) => column.notNull())
    .addColumn('last_registration', 'integer', (column) => column.notNull())
    .addColumn('events_deleted_up_to', 'integer', (column) => column.notNull())
    .addColumn('event_deletions', 'integer', (column) => column.notNull())
    .execute();
}
