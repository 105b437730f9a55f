import type { Kysely } from 'kysely';

/** What is learnt of how long executions stay in a status. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('hazards')
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('policy_arn', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('counts', 'text', (column) => column.notNull())
    .addColumn('learnt_at', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('hazards_key', ['account_id', 'region', 'policy_arn', 'kind'])
    .execute();
}
