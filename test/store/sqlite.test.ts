import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transition } from '../../src/domain/transition.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { describeStore } from '../conformance/store-suite.ts';
import { recordFailure } from '../support/recorded.ts';
import { TARGET, anObservation, executionId } from '../support/executions.ts';

let directory: string;
let files = 0;
const freshPath = () => join(directory, `${++files}.db`);
const registration = (number: number) =>
  ({
    accountId: TARGET.accountId,
    region: TARGET.region,
    lifecycleExecutionId: executionId(number),
    labels: {},
    source: 'api',
  }) as const;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watcher-store-'));
});
afterAll(() => rm(directory, { recursive: true }));

describeStore('the store on SQLite', () => openSqliteStore({ path: freshPath() }));

describe('opening a SQLite store', () => {
  const refusal = async (path: string) => {
    const error: unknown = await openSqliteStore({ path }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StoreUnavailableError);
    const { message } = error as Error;
    expect(message).toContain(path);
    expect(message).not.toContain('\n');
    return message;
  };

  it('makes missing directories and keeps everything for the next start', async () => {
    const path = join(directory, 'some', 'where', 'watcher.db');
    {
      await using store = await openSqliteStore({ path });
      await store.register([registration(1)], 1);
    }
    await using store = await openSqliteStore({ path });
    expect(await store.find(registration(1))).toBeDefined();
  });

  it('keeps the epoch of the feed over restarts, and gives each file its own', async () => {
    const epochOf = async (path: string) => {
      await using store = await openSqliteStore({ path });
      return (await store.feedBounds()).epoch;
    };
    const path = freshPath();
    const epoch = await epochOf(path);
    expect(await epochOf(path)).toBe(epoch);
    expect(await epochOf(freshPath())).not.toBe(epoch);
  });

  it('writes ahead, so that a reader never waits for it', async () => {
    const path = freshPath();
    await using _store = await openSqliteStore({ path });
    using other = new DatabaseSync(path, { readOnly: true });
    expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  });

  it('refuses a file that another daemon uses, also through a link', async () => {
    const path = freshPath();
    const link = freshPath();
    await using _held = await openSqliteStore({ path });
    expect(await refusal(path)).toMatch(/another lifecycle-watcher is using it/);
    await symlink(path, link);
    expect(await refusal(link)).toMatch(/another lifecycle-watcher is using it/);
  });

  it('opens a file whose daemon was killed, and attempts again what it had claimed', async () => {
    const path = freshPath();
    const script = `
      import { openSqliteStore } from ${JSON.stringify(new URL('../../src/store/sqlite.ts', import.meta.url).href)};
      import { transition } from ${JSON.stringify(new URL('../../src/domain/transition.ts', import.meta.url).href)};
      const store = await openSqliteStore({ path: ${JSON.stringify(path)} });
      const [{ execution }] = await store.register([${JSON.stringify(registration(1))}], 1);
      const observation = { status: 'FAILED', sentAt: 2, answeredAt: 3, sentTick: 2, answeredTick: 3 };
      await store.record(transition(execution, ${JSON.stringify(TARGET)}, observation), ['a'], 3);
      await store.claim('a', 1, 10, ${Number.MAX_SAFE_INTEGER});
      console.log('claimed');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await refusal(path)).toMatch(/another lifecycle-watcher is using it/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using store = await openSqliteStore({ path });
    expect(await store.claim('a', 1, 10, 20)).toMatchObject([{ eventType: 'execution.failed' }]);
  });

  it('lets no delivery wait longer than anything waits, where a clock was wrong', async () => {
    const path = freshPath();
    {
      await using store = await openSqliteStore({ path });
      const [result] = await store.register([registration(1)], 1);
      if (result?.outcome !== 'created') throw new Error('not registered');
      await store.record(transition(result.execution, TARGET, anObservation('FAILED', 1))!, ['a'], 1);
      const [claimed] = await store.claim('a', 1, 1, 2);
      const attempt = { at: 1, outcome: 'timeout', durationSeconds: 1 } as const;
      const nextAttemptAt = Date.UTC(2100, 0, 1);
      await store.settle([{ ...claimed!, attempt, state: 'pending', nextAttemptAt }]);
    }
    await using store = await openSqliteStore({ path });
    expect(await store.nextDueAt('a')).toBeLessThanOrEqual(Date.now() + 86_400_000);
  });

  it('brings at once what was never attempted, though the clock was set back meanwhile', async () => {
    const path = freshPath();
    {
      await using store = await openSqliteStore({ path });
      await recordFailure(store, 1, ['a'], 1);
    }
    {
      using database = new DatabaseSync(path);
      database.prepare('update deliveries set next_attempt_at = ?').run(Date.now() + 3_600_000);
    }
    await using store = await openSqliteStore({ path });
    expect(await store.nextDueAt('a')).toBe(0);
  });

  it('refuses a database of a newer version and leaves it as it is', async () => {
    const path = freshPath();
    await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
    using database = new DatabaseSync(path);
    database.exec("INSERT INTO kysely_migration VALUES ('9999-later', '2030-01-01T00:00:00.000Z')");
    database.exec('DROP TABLE rates');
    expect(await refusal(path)).toMatch(/newer version \(it has migration 9999-later\)/);
    expect(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'rates'").get()).toBeUndefined();
  });

  it("refuses another program's database and what is none", async () => {
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

  it('refuses what cannot be a file', async () => {
    const path = freshPath();
    await mkdir(path);
    expect(await refusal(path)).toMatch(/unable to open/);
    const file = freshPath();
    await writeFile(file, '');
    expect(await refusal(join(file, 'watcher.db'))).toMatch(/unable to open|ENOTDIR/);
    expect(await refusal('/proc/watcher.db')).toMatch(/unable to open/);
    expect(await refusal('/proc/made/up/watcher.db')).toMatch(/ENOENT/);
  });
});
