import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { backupCommand } from '../../../src/commands/backup/command.ts';
import { ADMIN_TOKEN, NOW, READ_TOKEN, startApi } from '../../http/api.ts';
import { startCommand, startProgram, temporaryDirectory } from '../../support/daemon.ts';
import { recordFailure } from '../../support/record-final.ts';
import { runCommand } from '../../support/run-command.ts';
import { startHttpServer } from '../../support/listen.ts';
import { openStoreAt } from '../../support/store.ts';

const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;
const backUp = (url: string, file: string, ...args: readonly string[]) =>
  runCommand(backupCommand(), [file, '--url', url, '--token', ADMIN_TOKEN, ...args]);

/** Sends the first half of a store, and then what `answer` does. */
const serveStore = (answer: Parameters<typeof startHttpServer>[0]) =>
  startHttpServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.sqlite3', 'content-length': 1_000_000 });
    response.write(Buffer.alloc(500_000), () => answer(request, response));
  });

async function start() {
  await using opening = new AsyncDisposableStack();
  const copies = opening.use(await temporaryDirectory());
  const api = opening.use(await startApi());
  const open = opening.move();
  return { ...api, copies: copies.path, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

test('writes a complete store that only its owner can read, and replaces a file only with --force', async () => {
  await using api = await start();
  await recordFailure(api.store, 1, ['ops'], NOW);
  const file = join(api.copies, 'copy.db');
  expect(await backUp(api.url, file)).toEqual({ code: 0, stdout: `${file}: 0.2 MB\n`, stderr: '' });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  {
    await using copy = await openStoreAt(file);
    expect((await copy.reading.feed({ after: 0, limit: 9 })).events).toHaveLength(1);
  }
  await writeFile(file, 'precious');
  expect(await backUp(api.url, file)).toMatchObject({
    code: 1,
    stderr: `lifecycle-watcher: ${file} already exists; use --force to replace it\n`,
  });
  expect(await readFile(file, 'utf8')).toBe('precious');
  expect((await backUp(api.url, file, '--force')).code).toBe(0);
  expect((await stat(file)).size).toBeGreaterThan(100_000);
  expect((await readdir(api.copies)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test.each<[string, Parameters<typeof startHttpServer>[0], RegExp]>([
  ['breaks off', (_request, response) => response.destroy(), /broke before the copy|sent only/],
  ['is not a store', (_request, response) => response.end('<html>'), /something other than an SQLite store/],
])('leaves no file behind if the response %s', async (_case, answer, reason) => {
  await using server = await (reason.source.includes('something')
    ? startHttpServer(answer)
    : serveStore(answer));
  await using directory = await temporaryDirectory();
  const { code, stderr, stdout } = await backUp(server.origin, join(directory.path, 'copy.db'));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(reason);
  expect(await readdir(directory.path)).toEqual([]);
});

test('leaves no file behind if the disk is full', async () => {
  await using api = await start();
  const file = join(api.copies, 'copy.db');
  const command = `ulimit -f 32; exec "${process.execPath}" "${MAIN}" backup "${file}" --url ${api.url}`;
  const env = { PATH: process.env['PATH'], LIFECYCLE_WATCHER_TOKEN: ADMIN_TOKEN, NODE_NO_WARNINGS: '1' };
  await using limited = startProgram('/bin/bash', ['-c', command], env);
  const { code, stderr } = await limited.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^lifecycle-watcher: cannot write .*: EFBIG/);
  expect(await readdir(api.copies)).toEqual([]);
});

test('leaves no file behind after a signal', async () => {
  await using server = await serveStore(() => undefined);
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'copy.db');
  await using command = startCommand(['backup', file, '--url', server.origin]);
  await vi.waitFor(async () => expect(await readdir(directory.path)).toHaveLength(1), 10_000);
  expect(await command.kill('SIGTERM')).toMatchObject({ code: 143, stdout: '', stderr: '' });
  expect(await readdir(directory.path)).toEqual([]);
});

test('reports in one line that the scope is missing or that the file cannot be written', async () => {
  await using api = await start();
  const file = join(api.copies, 'copy.db');
  expect(await backUp(api.url, file, '--token', READ_TOKEN)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('scope admin is needed') as string,
  });
  expect(await backUp(api.url, join(api.copies, 'no', 'copy.db'))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^lifecycle-watcher: cannot write .*ENOENT.*\n$/) as string,
  });
  expect(await backUp(api.url, api.copies)).toMatchObject({ code: 1 });
  expect(await readdir(api.copies)).toEqual([]);
  expect(await runCommand(backupCommand(), [])).toMatchObject({ code: 2 });
});
