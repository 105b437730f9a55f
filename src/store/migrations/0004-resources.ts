import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** What executions did to resources. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('resources', 'text').execute();
  await db.schema.alterTable('executions').addColumn('resources_truncated', 'integer').execute();
  await db.schema
    .createIndex('executions_resources_truncated')
    .on('executions')
    .columns(['account_id', 'region', 'registration'])
    .where(sql.ref('resources_truncated'), '=', sql.lit(1))
    .execute();
}
