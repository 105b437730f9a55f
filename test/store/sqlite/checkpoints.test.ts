import { existsSync } from 'node:fs';
import { copyFile, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { createCheckpoints } from '../../../src/store/sqlite/checkpoints.ts';
import type { CheckpointParts } from '../../../src/store/sqlite/checkpoints.ts';
import { ThreadError } from '../../../src/store/sqlite/thread.ts';
import type { Checkpointed } from '../../../src/store/sqlite/thread-worker.ts';
import type { Store } from '../../../src/store/store.ts';
import { range, registration } from '../../conformance/fixtures.ts';
import { temporaryDirectory } from '../../support/daemon.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { SILENT_LOG, openStoreAt } from '../../support/store.ts';

/** When a checkpoint is made that a write has asked for. */
const CHECKPOINT_MS = 1000;
/** The longest that the log becomes while nobody reads it, and somewhat more. */
const LONG_LOG_BYTES = 36 * 2 ** 20;

const WAITING = { timeout: 15_000, interval: 20 };

const sizeOf = async (file: string) => (await stat(file)).size;

/** How many executions are in the database file itself, whatever the log beside it holds. */
async function countInFile(path: string): Promise<number> {
  const copy = `${path}.copied`;
  await copyFile(path, copy);
  using database = new DatabaseSync(copy);
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM executions').get()?.['count']);
  } catch {
    // It was copied in the middle of a checkpoint, or has no tables yet.
    return -1;
  }
}

const inFile = (path: string, count: number) =>
  vi.waitFor(async () => expect(await countInFile(path)).toBe(count), WAITING);

const register = ({ intake }: Store, count: number, from: number) =>
  intake.register(
    range(count, from).map((number) => registration(number)),
    0,
  );

test('writes reach the database file while the store is open, and the log stops growing', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  const clock = createFakeClock();
  await using store = await openStoreAt(path, { clock });
  const sizes: number[] = [];
  for (const round of range(6)) {
    await register(store, 300, round * 300);
    await clock.advance(CHECKPOINT_MS);
    await inFile(path, round * 300);
    sizes.push(await sizeOf(`${path}-wal`));
  }
  // The log begins anew after each round, so all rounds together need hardly more room than one.
  expect(Math.max(...sizes)).toBeLessThan(2 * sizes[0]!);
});

test('after a restart of the log the checkpoint thread makes the first write, so that no other write waits for the disk', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  const clock = createFakeClock();
  await using store = await openStoreAt(path, { clock });
  using other = new DatabaseSync(path, { readOnly: true });
  const touched = () => Number(other.prepare('SELECT touched FROM store_state').get()?.['touched']);
  await register(store, 10, 1);
  const before = touched();
  await clock.advance(CHECKPOINT_MS);
  await vi.waitFor(() => expect(touched()).toBe(before + 1), WAITING);
});

test('a checkpoint runs by itself a second after a write', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  await using store = await openStoreAt(path);
  await register(store, 10, 1);
  expect(await countInFile(path)).not.toBe(10);
  await inFile(path, 10);
  await register(store, 10, 11);
  await inFile(path, 20);
});

test('a closed store leaves its database file and no log', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  {
    await using store = await openStoreAt(path);
    await register(store, 10, 1);
    expect(await readdir(directory.path)).toContain('watcher.db-wal');
  }
  for (const ending of ['-wal', '-shm', '-journal']) expect(existsSync(path + ending)).toBe(false);
  expect(await countInFile(path)).toBe(10);
});

test('no write fails under continuous load while another program reads an old state', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  const clock = createFakeClock();
  const log = { ...SILENT_LOG, warn: vi.fn(), error: vi.fn() };
  await using store = await openStoreAt(path, { clock, log });
  await register(store, 1, 1);
  let written = 1;
  {
    using reader = new DatabaseSync(path, { readOnly: true });
    const count = () => reader.prepare('SELECT count(*) AS count FROM executions').get()?.['count'];
    reader.exec('BEGIN');
    expect(count()).toBe(1);
    // Until the log is so long that it would begin anew, and for a few more rounds.
    for (let left = 5; left > 0;) {
      const batches = range(4).map((batch) => register(store, 1000, written + 1 + (batch - 1) * 1000));
      await clock.advance(CHECKPOINT_MS);
      await Promise.all(batches);
      written += 4000;
      expect(await store.reading.list({ limit: 1 })).toMatchObject({
        executions: [{ lifecycleExecutionId: registration(written).lifecycleExecutionId }],
      });
      if ((await sizeOf(`${path}-wal`)) > LONG_LOG_BYTES) left -= 1;
    }
    expect(count()).toBe(1);
  }
  // As soon as nobody reads the old state any more, all of it comes into the file.
  await register(store, 1, written + 1);
  await vi.waitFor(async () => {
    await clock.advance(CHECKPOINT_MS);
    expect(await countInFile(path)).toBe(written + 1);
  }, WAITING);
  expect(await store.trouble()).toBeUndefined();
  expect(log.error).not.toHaveBeenCalled();
  expect(log.warn).not.toHaveBeenCalled();
});

/** Checkpoints whose thread answers what the test says, and which orders it got. */
function onStage() {
  const clock = createFakeClock();
  const log = { ...SILENT_LOG, warn: vi.fn() };
  const onLost = vi.fn();
  const orders: string[] = [];
  const answers: (Checkpointed | Error | Promise<Checkpointed>)[] = [];
  const checkpoint: CheckpointParts['thread']['checkpoint'] = async (mode, onBegin) => {
    onBegin?.();
    orders.push(mode);
    const answer = await (answers.shift() ?? { frames: 0, isComplete: true });
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const thread = { checkpoint };
  return {
    clock,
    log,
    onLost,
    orders,
    answers,
    checkpoints: createCheckpoints({ thread, clock, log, onLost }),
  };
}

test('once the whole log is in the database file it restarts, and writes wait for the restart', async () => {
  const { clock, orders, answers, checkpoints } = onStage();
  const restart = Promise.withResolvers<Checkpointed>();
  answers.push({ frames: 10, isComplete: true }, restart.promise);
  checkpoints.onCommit();
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS - 1);
  expect(orders).toEqual([]);
  await clock.advance(1);
  expect(orders).toEqual(['PASSIVE', 'RESTART']);
  const { restarting } = checkpoints;
  expect(restarting).toBeInstanceOf(Promise);
  restart.resolve({ frames: 10, isComplete: true });
  await restarting;
  expect(checkpoints.restarting).toBeUndefined();
  await clock.advance(60_000);
  expect(orders).toHaveLength(2);
});

test('the log does not restart while it is being read, unless it has become too long', async () => {
  const { clock, orders, answers, checkpoints } = onStage();
  for (const frames of [100, 8191, 8192]) {
    answers.push({ frames, isComplete: false });
    checkpoints.onCommit();
    await clock.advance(CHECKPOINT_MS);
  }
  expect(orders).toEqual(['PASSIVE', 'PASSIVE', 'PASSIVE', 'RESTART']);
});

test('a write during a checkpoint is followed by another checkpoint', async () => {
  const { clock, orders, answers, checkpoints } = onStage();
  const first = Promise.withResolvers<Checkpointed>();
  answers.push(first.promise);
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS);
  for (let commit = 0; commit < 10; commit += 1) checkpoints.onCommit();
  await clock.advance(10 * CHECKPOINT_MS);
  expect(orders).toEqual(['PASSIVE']);
  first.resolve({ frames: 10, isComplete: false });
  await clock.advance(10 * CHECKPOINT_MS);
  expect(orders).toEqual(['PASSIVE', 'PASSIVE']);
});

test('a failed checkpoint is logged, delays no write, and is repeated after the next write', async () => {
  const { clock, log, onLost, orders, answers, checkpoints } = onStage();
  answers.push({ frames: 10, isComplete: true }, new ThreadError('database is locked', 5));
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS);
  expect(log.warn).toHaveBeenCalledOnce();
  expect(onLost).not.toHaveBeenCalled();
  expect(checkpoints.restarting).toBeUndefined();
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS);
  expect(orders).toEqual(['PASSIVE', 'RESTART', 'PASSIVE']);
});

test('a checkpoint whose sync fails is reported as a possible loss', async () => {
  const { clock, log, onLost, answers, checkpoints } = onStage();
  answers.push(new ThreadError('disk I/O error', 1034));
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS);
  expect(onLost).toHaveBeenCalledExactlyOnceWith('a checkpoint could not be synced: disk I/O error');
  expect(log.warn).not.toHaveBeenCalled();
});

test('closing waits for the checkpoint under way and starts no other', async () => {
  const { clock, orders, answers, checkpoints } = onStage();
  const first = Promise.withResolvers<Checkpointed>();
  answers.push(first.promise);
  checkpoints.onCommit();
  await clock.advance(CHECKPOINT_MS);
  checkpoints.onCommit();
  let isClosed = false;
  const closed = checkpoints.close().then(() => (isClosed = true));
  await clock.advance(10 * CHECKPOINT_MS);
  expect(isClosed).toBe(false);
  first.resolve({ frames: 10, isComplete: false });
  await closed;
  checkpoints.onCommit();
  await clock.advance(10 * CHECKPOINT_MS);
  expect(orders).toEqual(['PASSIVE']);
  expect(clock.sleepers()).toBe(0);
});

test.each(['', '-wal'])('the store notices that watcher.db%s was moved while it is open', async (ending) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  const clock = createFakeClock();
  const onLost = vi.fn();
  await using store = await openStoreAt(path, { clock, onLost });
  await register(store, 10, 1);
  await clock.advance(CHECKPOINT_MS);
  expect(onLost).not.toHaveBeenCalled();
  await rename(path + ending, `${path}${ending}.moved`);
  // It fails if the checkpoint of the writes before comes after the move.
  await Promise.allSettled([register(store, 10, 11)]);
  await clock.advance(CHECKPOINT_MS);
  await vi.waitFor(() => expect(onLost).toHaveBeenCalledOnce(), WAITING);
  expect(String(onLost.mock.calls[0])).toMatch(/watcher\.db(-wal)? was moved or deleted/);
});
