import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextRound } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Log } from '../../../src/runtime/log.ts';
import { createSqlStore } from '../../../src/store/sql/sql-store.ts';
import { createCheckpoints } from '../../../src/store/sqlite/checkpoints.ts';
import { createSqliteDatabase } from '../../../src/store/sqlite/database.ts';
import { createDurability } from '../../../src/store/sqlite/durability.ts';
import { createKysely } from '../../../src/store/sqlite/kysely-dialect.ts';
import { startThread } from '../../../src/store/sqlite/thread.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { range, registration } from '../../conformance/fixtures.ts';
import { temporaryDirectory } from '../../support/daemon.ts';
import { TARGET } from '../../support/executions.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { recordFailure } from '../../support/record-final.ts';
import { SILENT_LOG, openStoreAt } from '../../support/store.ts';

const WAITING = { timeout: 15_000, interval: 20 };
/** How often the event loop turns while something waits. */
const MANY_ROUNDS = 500;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let path: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  path = join(directory.path, 'watcher.db');
});
afterEach(() => directory[Symbol.asyncDispose]());

const spiedLog = () => ({ ...SILENT_LOG, info: vi.fn(), warn: vi.fn(), error: vi.fn() });

/** Lets another program hold the lock that every write needs, until it lets go of it. */
function lockFromOutside() {
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  return {
    letGo: () => other.exec('ROLLBACK'),
    [Symbol.dispose]: () => other.close(),
  };
}

/** A store made of its parts, so that a test has hold of its disk. */
async function openParts(log: Log, sync: () => Promise<void> = () => Promise.resolve()) {
  await (await openStoreAt(path))[Symbol.asyncDispose]();
  const clock = createFakeClock();
  const connection = new DatabaseSync(path);
  const onLost = () => undefined;
  const thread = await startThread(path, onLost);
  const database = createSqliteDatabase({
    path,
    connection,
    db: createKysely(connection),
    durability: createDurability(sync),
    thread,
    checkpoints: createCheckpoints({ thread, clock, log, onLost }),
    clock,
    newId: randomUUID,
    onLost,
    log,
    close: () => Promise.resolve(),
  });
  const pages = Number(connection.prepare('PRAGMA page_count').get()?.['page_count']);
  return {
    clock,
    store: createSqlStore(database, clock, randomUUID),
    /** Lets the file become larger by so many pages and no more, as if the disk were full then. */
    setRoom: (room: number) => connection.exec(`PRAGMA max_page_count = ${pages + room}`),
  };
}

describe('a store whose file another program has locked for writing', () => {
  it('answers reads meanwhile, and then carries out the writes', async () => {
    const clock = createFakeClock();
    await using store = await openStoreAt(path, { clock });
    await recordFailure(store, 1, ['a'], 0);
    using lock = lockFromOutside();
    let written = 0;
    const writes = range(20).map(async (number) => {
      await store.intake.register([registration(10 + number)], 0);
      written += 1;
    });
    let rounds = 0;
    for (; rounds < MANY_ROUNDS; rounds += 1) {
      await nextRound();
      if (rounds % 50 !== 0) continue;
      expect((await store.reading.list({ limit: 100 })).executions).toHaveLength(1);
      expect((await store.reading.feed({ after: 0, limit: 100 })).events).toHaveLength(1);
      expect((await store.reading.listDeliveries({ limit: 100 })).deliveries).toHaveLength(1);
      expect(await store.reading.outboxCounts()).toHaveLength(1);
    }
    expect(await store.outbox.claim('a', 1, 1000)).toHaveLength(1);
    expect(await store.trouble()).toBeUndefined();
    expect(written).toBe(0);
    lock.letGo();
    await clock.advance(100);
    await Promise.all(writes);
    expect((await store.reading.list({ limit: 100 })).executions).toHaveLength(21);
  });

  it('lets delayed writes succeed', async () => {
    await using store = await openStoreAt(path);
    using lock = lockFromOutside();
    const timer = setTimeout(lock.letGo, 300);
    await store.operating.pauseTarget(TARGET, true);
    clearTimeout(timer);
    expect(await store.ledgerOf(TARGET, SOLE_TERM).loadTarget()).toMatchObject({ isPaused: true });
  });

  it('fails writes after five seconds, and reports trouble until the lock is gone', async () => {
    const clock = createFakeClock();
    const log = spiedLog();
    await using store = await openStoreAt(path, { clock, log });
    await recordFailure(store, 1, ['a'], 0);
    using lock = lockFromOutside();
    const failures = Promise.all(
      [store.operating.pauseTarget(TARGET, true), store.intake.register([registration(2)], 0)].map((write) =>
        write.catch((error: unknown) => error),
      ),
    );
    await clock.advance(4900);
    expect(await store.trouble()).toBeUndefined();
    await clock.advance(200);
    for (const failure of await failures) {
      expect(failure).toBeInstanceOf(StoreError);
      expect(String(failure)).toMatch(/another program has locked the database/);
    }
    expect(await store.trouble()).toMatch(/^the store cannot be written: another program has locked/);
    // What cannot be settled is not sent, but everything can be read.
    await expect(store.outbox.claim('a', 1, 1000)).rejects.toBeInstanceOf(StoreError);
    expect((await store.reading.list({ limit: 10 })).executions).toHaveLength(1);

    await clock.advance(30_000);
    expect(await store.trouble()).toMatch(/another program has locked/);
    lock.letGo();
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(await store.trouble()).toBeUndefined();
    }, WAITING);
    expect(await store.outbox.claim('a', 1, 1000)).toHaveLength(1);
    await store.operating.pauseTarget(TARGET, true);
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { error: expect.stringContaining('another program has locked the database') as string },
      'store cannot be written',
    );
    expect(log.info).toHaveBeenCalledExactlyOnceWith('store can be written again');
  });
});

describe('a store on a full disk', () => {
  it('reports it, loses nothing, and carries on once there is space again', async () => {
    const log = spiedLog();
    const { clock, store, setRoom } = await openParts(log);
    await using _open = store;
    setRoom(100);
    await recordFailure(store, 1, ['a'], 0);
    setRoom(20);
    const large = range(1000).map((number) => registration(100 + number));
    const failed: unknown = await store.intake.register(large, 0).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(StoreError);
    expect(String(failed)).toMatch(/database or disk is full/);
    expect(await store.trouble()).toBe('the store cannot be written: database or disk is full');
    await expect(store.outbox.claim('a', 1, 1000)).rejects.toThrow('database or disk is full');
    expect((await store.reading.list({ limit: 2000 })).executions).toHaveLength(1);

    setRoom(10_000);
    await clock.advance(5000);
    await vi.waitFor(async () => expect(await store.trouble()).toBeUndefined());
    expect(await store.outbox.claim('a', 1, 1000)).toHaveLength(1);
    await store.intake.register(large, 0);
    expect((await store.reading.list({ limit: 2000 })).executions).toHaveLength(1001);
    expect(log.error).toHaveBeenCalledOnce();
    expect(log.info).toHaveBeenCalledExactlyOnceWith('store can be written again');
  });

  it('fails the writes of one transaction together, and no others', async () => {
    const { store, setRoom } = await openParts(SILENT_LOG);
    await using _open = store;
    setRoom(20);
    const [small, large, alsoSmall] = await Promise.allSettled([
      store.operating.pauseTarget(TARGET, true),
      store.intake.register(
        range(1000).map((number) => registration(number)),
        0,
      ),
      store.operating.pauseTarget({ ...TARGET, region: 'eu-north-1' }, true),
    ]);
    expect([small.status, large.status, alsoSmall.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await store.ledgerOf(TARGET, SOLE_TERM).loadTarget()).toMatchObject({ isPaused: true });
  });
});

describe('a store on a slow disk', () => {
  it('shows no event and releases no delivery before it is on disk', async () => {
    let sync: () => Promise<undefined> = () => Promise.resolve(undefined);
    const { store } = await openParts(SILENT_LOG, async () => {
      await sync();
    });
    await using _open = store;
    await recordFailure(store, 1, ['a'], 0);

    const disk = Promise.withResolvers<undefined>();
    sync = () => disk.promise;
    const done: string[] = [];
    const note = async (name: string, work: Promise<unknown>) => {
      await work;
      done.push(name);
    };
    const recording = note('registered', store.intake.register([registration(2)], 0));
    await vi.waitFor(async () => {
      expect((await store.reading.list({ limit: 10 })).executions).toHaveLength(2);
    }, WAITING);
    const waiting = [
      recording,
      note('feed', store.reading.feed({ after: 0, limit: 10 })),
      note('bounds', store.reading.feedBounds()),
      note('deliveries', store.reading.listDeliveries({ limit: 10 })),
      note('claim', store.outbox.claim('a', 1, 1000)),
    ];
    for (let rounds = 0; rounds < MANY_ROUNDS; rounds += 1) await nextRound();
    expect(done).toEqual([]);
    disk.resolve(undefined);
    await Promise.all(waiting);
    expect(done[0]).toBe('registered');
  });
});

describe('a SQLite store', () => {
  it('writes nothing for a registration without changes', async () => {
    await using store = await openStoreAt(path, { clock: createFakeClock() });
    using other = new DatabaseSync(path);
    /** Changes whenever another connection has committed a change of the file. */
    const version = () => other.prepare('PRAGMA data_version').get()?.['data_version'];
    const wishes = { labels: { team: 'a', env: 'b' }, callbackUrl: 'https://a.example' };
    await store.intake.register([registration(1, wishes)], 0);
    const before = version();
    for (const again of [wishes, { labels: { env: 'b' } }, {}])
      expect(await store.intake.register([registration(1, again)], 5)).toMatchObject([
        { outcome: 'existing' },
      ]);
    expect(version()).toBe(before);
    await store.intake.register([registration(1, { labels: { env: 'c' } })], 5);
    expect(version()).not.toBe(before);
  });

  it('lets other work run while a hundred long lists are read', async () => {
    await using store = await openStoreAt(path);
    await store.intake.register(
      range(1000).map((number) => registration(number)),
      0,
    );
    let rounds = 0;
    let isOver = false;
    const turning = (async () => {
      for (const isDone = () => isOver; !isDone(); rounds += 1) await nextRound();
    })();
    const lists = await Promise.all(range(100).map(() => store.reading.list({ limit: 1000 })));
    isOver = true;
    await turning;
    expect(lists.every(({ executions }) => executions.length === 1000)).toBe(true);
    expect(rounds).toBeGreaterThan(100);
  });

  it('finishes all writes if it is closed in the middle of them', async () => {
    const onLost = vi.fn();
    const log = spiedLog();
    const targets = range(400).map((number) => ({ ...TARGET, region: `region-${number}` }));
    {
      const store = await openStoreAt(path, { onLost, log });
      const writes = targets.map((target) => store.operating.pauseTarget(target, true));
      const closed = store[Symbol.asyncDispose]();
      expect((await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected')).toEqual([]);
      await closed;
    }
    expect(onLost).not.toHaveBeenCalled();
    expect(log.error).not.toHaveBeenCalled();
    await using store = await openStoreAt(path);
    const kept = await Promise.all(targets.map((target) => store.ledgerOf(target, SOLE_TERM).loadTarget()));
    expect(kept.every(({ isPaused }) => isPaused)).toBe(true);
  });
});
