import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../../src/store/sql/schema.ts';
import { StoreUnavailableError } from '../../../src/store/store-error.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { createStage, registration, settlement, throttled, timeout } from '../../conformance/fixtures.ts';
import { startProgram } from '../../support/daemon.ts';
import { TARGET, executionId } from '../../support/executions.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { recordFailure } from '../../support/record-final.ts';
import { openStoreAt } from '../../support/store.ts';

const T0 = Date.UTC(2026, 10, 23, 6);
const HOUR_MS = 3_600_000;
/** `APPLICATION_ID` of our files, of every version. */
const OURS = 'PRAGMA application_id = 0x6c637761';

let directory: string;
let files = 0;
const freshPath = () => join(directory, `${++files}.db`);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watcher-store-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Why the store is not opened, which is one line that names the file. */
async function refusal(path: string): Promise<string> {
  const error: unknown = await openStoreAt(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailableError);
  const { message } = error as Error;
  expect(message).toContain(path);
  expect(message).not.toContain('\n');
  return message;
}

/** A database in WAL mode, which no process has open, with what `script` writes into it. */
function writeDatabase(path: string, script: string): void {
  using database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${script}`);
}

describe('a SQLite store', () => {
  it('creates missing directories and keeps everything for the next start', async () => {
    const path = join(directory, 'some', 'where', 'watcher.db');
    {
      await using store = await openStoreAt(path);
      await store.intake.register([registration(1)], T0);
    }
    await using store = await openStoreAt(path);
    expect(await store.ledgerOf(TARGET, SOLE_TERM).find(executionId(1))).toBeDefined();
  });

  it('keeps the epoch of the feed over restarts, and gives each file its own', async () => {
    const epochOf = async (path: string) => {
      await using store = await openStoreAt(path);
      return (await store.reading.feedBounds()).epoch;
    };
    const path = freshPath();
    const epoch = await epochOf(path);
    expect(await epochOf(path)).toBe(epoch);
    expect(await epochOf(freshPath())).not.toBe(epoch);
  });

  it('writes ahead, so that a reader never waits for it', async () => {
    const path = freshPath();
    await using _store = await openStoreAt(path);
    using other = new DatabaseSync(path, { readOnly: true });
    expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  it('refuses a file that another daemon uses, even through a link', async () => {
    const path = freshPath();
    const link = freshPath();
    await using _held = await openStoreAt(path);
    expect(await refusal(path)).toMatch(/another lifecycle-watcher is using it/);
    await symlink(path, link);
    expect(await refusal(link)).toMatch(/another lifecycle-watcher is using it/);
  });

  it('creates the file that a link leads to, and locks it', async () => {
    const disk = join(directory, 'disk');
    await mkdir(disk);
    const link = freshPath();
    await symlink(join('disk', 'watcher.db'), link);
    await using _held = await openStoreAt(link);
    expect(await readdir(disk)).toContain('watcher.db');
    expect(await refusal(join(disk, 'watcher.db'))).toMatch(/another lifecycle-watcher is using it/);
  });

  it('opens the file of a killed daemon, and repeats the deliveries that it had claimed', async () => {
    const path = freshPath();
    const imported = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
    const script = join(directory, 'claim.ts');
    await writeFile(
      script,
      `import { openStoreAt } from ${imported('../../support/store.ts')};
      import { recordFailure } from ${imported('../../support/record-final.ts')};
      const store = await openStoreAt(${JSON.stringify(path)});
      await recordFailure(store, 1, ['a'], ${T0});
      await store.outbox.claim('a', 1, ${T0 + HOUR_MS});
      console.log('claimed');
      setInterval(() => {}, 1000);`,
    );
    {
      await using daemon = startProgram(process.execPath, [script], { ...process.env });
      await daemon.line((line) => line === 'claimed');
      expect(await refusal(path)).toMatch(/another lifecycle-watcher is using it/);
      await daemon.kill('SIGKILL');
    }
    await using store = await openStoreAt(path);
    expect(await store.outbox.claim('a', 1, T0 + HOUR_MS)).toMatchObject([{ eventType: 'execution.failed' }]);
  });

  it('ends waits and stops that began before the clock was set back by months', async () => {
    const path = freshPath();
    const clock = createFakeClock(T0 + HOUR_MS);
    {
      await using store = await openStoreAt(path, { clock: createFakeClock(T0 + 9999 * HOUR_MS) });
      await recordFailure(store, 1, ['a', 'b'], T0);
      const { settleOne } = createStage(store);
      const ahead = T0 + 9999 * HOUR_MS;
      await settleOne(
        'a',
        { attempt: timeout(ahead), state: 'pending', nextAttemptAt: ahead + HOUR_MS },
        ahead,
      );
      await settleOne('b', throttled(ahead, 1000), ahead);
      expect(await store.outbox.nextDueAt('b')).toBeGreaterThan(ahead);
    }
    await using store = await openStoreAt(path, { clock });
    for (const lane of ['a', 'b']) {
      expect(await store.outbox.nextDueAt(lane)).toBe(clock.steadyNow());
      expect(await store.outbox.claim(lane, 1, clock.steadyNow())).toMatchObject([{ isProbe: lane === 'b' }]);
    }
  });

  it('leaves plausible due times alone', async () => {
    const path = freshPath();
    const clock = createFakeClock(T0 + HOUR_MS);
    const nextAttemptAt = clock.steadyNow() + 10 * HOUR_MS;
    {
      await using store = await openStoreAt(path, { clock });
      await recordFailure(store, 1, ['a', 'b'], T0);
      const { oneClaimed } = createStage(store);
      await store.outbox.settle([
        settlement(await oneClaimed('a'), { attempt: timeout(T0), state: 'pending', nextAttemptAt }),
      ]);
    }
    await using store = await openStoreAt(path, { clock });
    expect(await store.outbox.nextDueAt('a')).toBe(nextAttemptAt);
    expect(await store.outbox.nextDueAt('b')).toBeLessThanOrEqual(T0);
  });

  it('delivers events at once that were never attempted, even if the clock was set back', async () => {
    const path = freshPath();
    {
      await using store = await openStoreAt(path, { clock: createFakeClock(T0 + 2 * HOUR_MS) });
      await recordFailure(store, 1, ['a'], T0 + HOUR_MS);
    }
    const clock = createFakeClock(T0);
    await using store = await openStoreAt(path, { clock });
    expect(await store.outbox.nextDueAt('a')).toBeLessThanOrEqual(T0);
    expect(await store.outbox.claim('a', 1, clock.steadyNow())).toHaveLength(1);
  });

  it('refuses a file of a newer version and leaves it as it is', async () => {
    const path = freshPath();
    await (await openStoreAt(path))[Symbol.asyncDispose]();
    writeDatabase(path, `UPDATE store_state SET schema_version = ${SCHEMA_VERSION + 1}; DROP TABLE rates`);
    const before = await readFile(path);
    expect(await refusal(path)).toMatch(
      `it was written by a newer version (schema ${SCHEMA_VERSION + 1}); this one needs schema ${SCHEMA_VERSION}: ` +
        'start that version',
    );
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  it.each([
    [
      'that had migrations',
      'an older version',
      `CREATE TABLE kysely_migration (name TEXT PRIMARY KEY, timestamp TEXT NOT NULL);
       INSERT INTO kysely_migration VALUES ('0001-initial', '2026-01-01T00:00:00.000Z');
       CREATE TABLE store_state (epoch TEXT NOT NULL, last_registration INTEGER NOT NULL);
       INSERT INTO store_state VALUES ('epoch', 3);
       CREATE TABLE deliveries (id INTEGER PRIMARY KEY, next_attempt_at INTEGER);
       INSERT INTO deliveries VALUES (1, 99999999999999)`,
    ],
    [
      'that was killed during its first start',
      'an older version',
      'CREATE TABLE kysely_migration (name TEXT PRIMARY KEY, timestamp TEXT NOT NULL)',
    ],
    [
      'that numbered its schema',
      `an older version (schema ${SCHEMA_VERSION - 1})`,
      `CREATE TABLE store_state (schema_version BIGINT NOT NULL, epoch TEXT NOT NULL);
       INSERT INTO store_state VALUES (${SCHEMA_VERSION - 1}, 'epoch')`,
    ],
  ])('refuses a file of an older version %s and leaves it as it is', async (_which, writer, script) => {
    const path = freshPath();
    writeDatabase(path, `${OURS}; ${script}`);
    const before = await readFile(path);
    expect(await refusal(path)).toBe(
      `store ${path}: it was written by ${writer}; this one needs schema ${SCHEMA_VERSION}: ` +
        'begin with a new store, or go on with the version that wrote this one',
    );
    expect((await readFile(path)).equals(before)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("refuses another program's database, and a file that is no database", async () => {
    const foreign = freshPath();
    {
      using database = new DatabaseSync(foreign);
      database.exec('CREATE TABLE theirs (a)');
    }
    expect(await refusal(foreign)).toMatch(/belongs to another program/);
    const text = freshPath();
    await writeFile(
      text,
      'This is not a database, but it is long enough to be mistaken for one. '.repeat(20),
    );
    expect(await refusal(text)).toMatch(/not a database/);
    for (const path of [foreign, text]) expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('refuses a path that cannot be a file', async () => {
    const path = freshPath();
    await mkdir(path);
    expect(await refusal(path)).toMatch(/unable to open/);
    const file = freshPath();
    await writeFile(file, '');
    expect(await refusal(join(file, 'watcher.db'))).toMatch(/unable to open|ENOTDIR/);
    expect(await refusal('/proc/watcher.db')).toMatch(/unable to open/);
    expect(await refusal('/proc/made/up/watcher.db')).toMatch(/ENOENT/);
    const circle = freshPath();
    await symlink(circle, circle);
    expect(await refusal(circle)).toMatch(/ELOOP/);
  });

  it('begins with a new store if the file is empty', async () => {
    const path = freshPath();
    await writeFile(path, '');
    await using store = await openStoreAt(path);
    await store.intake.register([registration(1)], T0);
  });

  it('can be opened again as soon as it is closed', async () => {
    const path = freshPath();
    for (let start = 0; start < 3; start += 1) {
      await using store = await openStoreAt(path);
      await store.intake.register([registration(start)], T0);
    }
    await using store = await openStoreAt(path);
    expect((await store.reading.list({ limit: 10 })).executions).toHaveLength(3);
  });
});
