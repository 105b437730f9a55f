import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { ThreadError, startThread } from '../../../src/store/sqlite/thread.ts';
import { temporaryDirectory } from '../../support/daemon.ts';

/** A database with numbers in it. */
async function numbers() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const path = join(directory.path, 'numbers.db');
  {
    using database = new DatabaseSync(path);
    database.exec(
      'PRAGMA journal_mode = WAL; CREATE TABLE numbers (number); INSERT INTO numbers VALUES (1), (2)',
    );
  }
  const open = opening.move();
  return { path, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

test('statements are answered in the order in which they were sent', async () => {
  await using database = await numbers();
  const onEnded = vi.fn();
  const thread = await startThread(database.path, onEnded);
  const answered: number[] = [];
  const answers = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const rows = await thread.read('SELECT ? AS asked, count(*) AS count FROM numbers', [number]);
      answered.push(number);
      return rows;
    }),
  );
  expect(answers).toEqual([1, 2, 3].map((asked) => [{ asked, count: 2 }]));
  expect(answered).toEqual([1, 2, 3]);
  await thread.close();
  expect(onEnded).not.toHaveBeenCalled();
});

test('an error of the database reaches its caller, and the thread carries on', async () => {
  await using database = await numbers();
  const thread = await startThread(database.path, () => undefined);
  const refused: unknown = await thread.read('SELECT * FROM letters', []).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ThreadError);
  expect(refused).toMatchObject({ message: 'no such table: letters', errcode: 1 });
  expect(await thread.read('SELECT number FROM numbers WHERE number > ?', [1])).toEqual([{ number: 2 }]);
  await thread.close();
});

test('a thread finishes its orders before it closes', async () => {
  await using database = await numbers();
  const thread = await startThread(database.path, () => undefined);
  const asked = [1, 2, 3].map(() => thread.read('SELECT count(*) AS count FROM numbers', []));
  const closed = thread.close();
  expect(await Promise.all(asked)).toEqual([1, 2, 3].map(() => [{ count: 2 }]));
  await closed;
});

test('a thread that cannot open the database rejects with the reason', async () => {
  await using directory = await temporaryDirectory();
  // A directory is no database.
  await expect(startThread(directory.path, () => undefined)).rejects.toThrow(/unable to open database file/);
});
