import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** What is known of targets, and of executions that stall or are missing. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['stalled_at', 'missing_since', 'missing_answers'])
    await db.schema.alterTable('executions').addColumn(column, 'integer').execute();

  await db.schema
    .createTable('targets')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('paused', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('sequence', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('problem_kind', 'text')
    .addColumn('problem_message', 'text')
    .addColumn('problem_since', 'integer')
    .addPrimaryKeyConstraint('targets_key', ['account_id', 'region'])
    .execute();

  await db.schema
    .createIndex('events_of_targets')
    .on('events')
    .column('time')
    .where(sql<boolean>`lifecycle_execution_id = '' and orphaned = 0`)
    .execute();
}
