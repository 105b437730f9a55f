import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { expect, it } from 'vitest';
import { NodeSqliteDialect } from '../../src/store/sqlite-database.ts';

it('tells of a full disk as such, and goes on when there is room again', async () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE texts (text TEXT NOT NULL); PRAGMA max_page_count = 10');
  const db = new Kysely<{ texts: { text: string } }>({ dialect: new NodeSqliteDialect(database) });
  const write = (length: number) =>
    db.transaction().execute((tx) =>
      tx
        .insertInto('texts')
        .values({ text: 'x'.repeat(length) })
        .execute(),
    );
  await write(1);
  await expect(write(100_000)).rejects.toThrow('database or disk is full');
  await write(2);
  expect(await db.selectFrom('texts').selectAll().execute()).toEqual([{ text: 'x' }, { text: 'xx' }]);
  await db.destroy();
});
