import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/store/migrations/migrate.ts';
import { NodeSqliteDialect } from '../../src/store/sqlite-database.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { temporaryDirectory } from '../support/daemon.ts';

const AN_EVENT = `insert into store_state values ('first', 0, 0, 0);
  insert into events (id, type, time, account_id, region, lifecycle_execution_id, body)
    values ('e1', 'execution.failed', 1, '1', 'r', 'x', '{}');`;

/** A database as the version that knew no later migration than this one left it, with what `script` writes into it. */
async function writeOlder(path: string, last: keyof typeof MIGRATIONS, script: string): Promise<void> {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA application_id = 0x6c637761');
  await using db = new Kysely<unknown>({ dialect: new NodeSqliteDialect(database) });
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
  const { error } = await migrator.migrateTo(last);
  expect(error).toBeUndefined();
  database.exec(script);
}

it('deliveries, their attempts and their claims are taken over from a version that kept them in tables of their own', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  await writeOlder(
    path,
    '0006-hazards',
    `${AN_EVENT}
    insert into deliveries (id, event_position, endpoint, lane, state, created_at, next_attempt_at, claim, attempts, settled_at) values
      (1, 1, 'a', 'a', 'delivered', 10, null, null, 2, 50),
      (2, 1, 'b', 'b', 'pending', 10, 99999, 'held', 1, null),
      (3, 1, 'c', 'c', 'pending', 10, 5000, null, 1, null),
      (4, 1, 'd', 'd', 'dead', 10, null, null, 0, 60);
    insert into attempts (delivery_id, at, outcome, http_status, duration_seconds, error) values
      (1, 20, 'rejected', 500, 0.5, null), (2, 21, 'timeout', null, 15, 'it said "no", and ended'),
      (3, 22, 'unreachable', null, 0, 'no answer: ECONNRESET'), (1, 40, 'delivered', 204, 0.25, null);
    with recursive many(n) as (select 5 union all select n + 1 from many where n < 3000)
      insert into deliveries (id, event_position, endpoint, lane, state, created_at, attempts, settled_at)
      select n, 1, 'many', 'many', 'delivered', 10, 1, 70 from many;
    insert into attempts (delivery_id, at, outcome, http_status, duration_seconds)
      select id, id, 'delivered', 200, 1 from deliveries where endpoint = 'many';`,
  );

  await using store = await openSqliteStore({ path });
  expect(await store.findDelivery(1)).toMatchObject({
    state: 'delivered',
    attempts: [
      { at: 20, outcome: 'rejected', httpStatus: 500, durationSeconds: 0.5 },
      { at: 40, outcome: 'delivered', httpStatus: 204, durationSeconds: 0.25 },
    ],
  });
  expect((await store.findDelivery(2))?.attempts).toEqual([
    { at: 21, outcome: 'timeout', durationSeconds: 15, error: 'it said "no", and ended' },
  ]);
  expect(await store.claim('b', 1, 100, 200)).toMatchObject([{ id: 2, attempts: 1 }]);
  expect(await store.claim('c', 1, 4999, 9999)).toEqual([]);
  expect(await store.claim('c', 1, 5000, 9999)).toMatchObject([{ id: 3, attempts: 1 }]);
  expect(await store.listDeliveries({ endpoint: 'd', state: 'dead', limit: 9 })).toMatchObject({
    deliveries: [{ id: 4, attempts: [] }],
  });
  const { deliveries } = await store.listDeliveries({ endpoint: 'many', limit: 3000 });
  expect(deliveries).toHaveLength(2996);
  expect(
    deliveries.every(({ id, attempts: [first, ...rest] }) => first?.at === id && rest.length === 0),
  ).toBe(true);
});

it('a migration that fails changes nothing, says why, and is done once it can be', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  await writeOlder(
    path,
    '0006-hazards',
    `${AN_EVENT}
    insert into deliveries (id, event_position, endpoint, lane, state, created_at, attempts, settled_at)
      values (1, 1, 'a', 'a', 'delivered', 10, 1, 50);
    insert into attempts (delivery_id, at, outcome, http_status, duration_seconds)
      values (1, 20, 'delivered', 200, 0.5);
    create table deliveries_dead (in_the_way text);`,
  );
  await expect(openSqliteStore({ path })).rejects.toThrow(
    /its migration failed, and changed nothing: there is already a table named deliveries_dead/,
  );
  {
    using database = new DatabaseSync(path);
    expect(database.prepare('select outcome from attempts').all()).toMatchObject([{ outcome: 'delivered' }]);
    expect(() => database.prepare('select attempt_log from deliveries')).toThrow(/no such column/);
    database.exec('drop table deliveries_dead');
  }
  await using store = await openSqliteStore({ path });
  expect((await store.findDelivery(1))?.attempts).toEqual([
    { at: 20, outcome: 'delivered', httpStatus: 200, durationSeconds: 0.5 },
  ]);
});
