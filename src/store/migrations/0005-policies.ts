import type { Kysely } from 'kysely';

/** How far discovery has come. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('targets').addColumn('baselined_at', 'integer').execute();
  await db.schema
    .createTable('policies')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('policy_arn', 'text', (column) => column.notNull())
    .addColumn('watermark', 'integer')
    .addColumn('listed_at', 'integer', (column) => column.notNull())
    .addColumn('listed_in_full_at', 'integer', (column) => column.notNull())
    .addColumn('newest_first', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('policies_key', ['account_id', 'region', 'policy_arn'])
    .execute();
}
