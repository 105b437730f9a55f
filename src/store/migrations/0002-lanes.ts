import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Lanes and how they do; deliveries listed by endpoint, state and event. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('lanes')
    .addColumn('lane', 'text', (column) => column.primaryKey())
    .addColumn('endpoint', 'text', (column) => column.notNull())
    .addColumn('failing_since', 'integer')
    .addColumn('disabled_reason', 'text')
    .execute();

  await db.schema
    .alterTable('deliveries')
    .addColumn('lane', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema.alterTable('deliveries').addColumn('url', 'text').execute();
  await sql`update deliveries set lane = endpoint`.execute(db);

  await db.schema.dropIndex('deliveries_due').execute();
  await db.schema
    .createIndex('deliveries_due')
    .on('deliveries')
    .columns(['lane', 'next_attempt_at', 'id'])
    .where(sql.ref('state'), '=', sql.lit('pending'))
    .execute();
  await db.schema.dropIndex('deliveries_by_state').execute();
  await db.schema
    .createIndex('deliveries_undelivered')
    .on('deliveries')
    .columns(['endpoint', 'state', 'created_at'])
    .where(sql.ref('state'), '!=', sql.lit('delivered'))
    .execute();
  await db.schema
    .createIndex('deliveries_settled')
    .on('deliveries')
    .columns(['state', 'settled_at'])
    .where(sql.ref('settled_at'), 'is not', sql.lit(null))
    .execute();
  await db.schema
    .createIndex('deliveries_of_endpoint')
    .on('deliveries')
    .columns(['endpoint', 'id'])
    .execute();
  await db.schema.createIndex('events_by_event_id').on('events').column('id').execute();
}
