import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryDirectory } from '../../support/daemon.ts';
import { recordFailure } from '../../support/record-final.ts';
import { openStoreAt } from '../../support/store.ts';
import { breakStore } from '../../support/troubled-store.ts';
import { ADMIN_TOKEN, NOW, READ_TOKEN, problemOf, startApi } from '../api.ts';
import type { Api } from '../api.ts';

async function start() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const path = join(directory.path, 'watcher.db');
  const store = opening.use(await openStoreAt(path));
  const api = opening.use(await startApi({}, store));
  const open = opening.move();
  return { ...api, directory: directory.path, path, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Requests a backup and reads the answer to its end. */
async function statusOf(api: Pick<Api, 'ask'>, token = ADMIN_TOKEN): Promise<number> {
  const response = await api.ask('POST', '/v1/backup', undefined, token);
  await response.arrayBuffer();
  return response.status;
}

test('a backup is a complete store as of one moment, whatever is written meanwhile', async () => {
  await using api = await start();
  for (let number = 0; number < 300; number += 1) await recordFailure(api.store, number, ['ops'], NOW);
  const { latest, epoch } = await api.store.reading.feedBounds();
  const asking = api.ask('POST', '/v1/backup');
  for (let number = 300; number < 400; number += 1) await recordFailure(api.store, number, ['ops'], NOW);
  const response = await asking;
  expect(response.headers.get('content-type')).toBe('application/vnd.sqlite3');
  const copy = Buffer.from(await response.arrayBuffer());
  expect(copy.length).toBe(Number(response.headers.get('content-length')));

  const path = join(api.directory, 'copy.db');
  await writeFile(path, copy);
  let first: string;
  {
    await using restored = await openStoreAt(path);
    const bounds = await restored.reading.feedBounds();
    expect(bounds.latest).toBeGreaterThanOrEqual(latest);
    expect(bounds.latest).toBeLessThan(400);
    const { events } = await restored.reading.feed({ after: 0, limit: 1000 });
    expect(events).toHaveLength(bounds.latest);
    // A change is there with all its deliveries, or not at all.
    expect((await restored.reading.outboxCounts())[0]?.pending).toBe(bounds.latest);
    first = bounds.epoch;
    expect(first).not.toBe(epoch);
    expect(first).not.toContain('copy');
  }
  await using again = await openStoreAt(path);
  expect((await again.reading.feedBounds()).epoch).toBe(first);
  expect((await api.store.reading.feedBounds()).epoch).toBe(epoch);
});

test('no temporary file is left, even if the client does not read the copy', async () => {
  await using api = await start();
  for (let number = 0; number < 2000; number += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => recordFailure(api.store, number + index, ['ops'], NOW)),
    );
  const backupRequest = request(`${api.url}/v1/backup`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  }).end();
  await once(backupRequest, 'response');
  expect(await problemOf(await api.ask('POST', '/v1/backup'))).toMatchObject({
    status: 409,
    code: 'backup_running',
  });
  backupRequest.destroy();
  await vi.waitFor(async () => expect(await statusOf(api)).toBe(200));
  expect(existsSync(`${api.path}.backup`)).toBe(false);
});

test('a client that disconnects cancels its backup, and the next client gets a new one', async () => {
  await using api = await start();
  const { operating } = api.store;
  const working = { ...operating };
  const begun = Promise.withResolvers<AbortSignal>();
  const copying = vi.spyOn(operating, 'backUp').mockImplementation(async (signal) => {
    begun.resolve(signal);
    await once(signal, 'abort');
    // The partial copy is discarded.
    return working.backUp(new AbortController().signal);
  });
  const backupRequest = request(`${api.url}/v1/backup`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  }).end();
  backupRequest.on('error', () => undefined);
  const signal = await begun.promise;
  expect(signal.aborted).toBe(false);
  backupRequest.destroy();
  copying.mockRestore();
  await vi.waitFor(async () => expect(await statusOf(api)).toBe(200));
  expect(signal.aborted).toBe(true);

  // The store itself stops copying and leaves nothing behind.
  await expect(operating.backUp(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(existsSync(`${api.path}.backup`)).toBe(false);
});

test('a backup is refused if the disk has no room for it', async () => {
  await using api = await start();
  vi.spyOn(api.store.operating, 'backUp').mockResolvedValue('no_space');
  for (const _time of [1, 2])
    expect(await problemOf(await api.ask('POST', '/v1/backup'))).toMatchObject({
      status: 507,
      code: 'no_space',
    });
});

test('the remains of a copy from a killed process are deleted at the next start', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  await writeFile(`${path}.backup`, 'half of it');
  await using _store = await openStoreAt(path);
  expect(existsSync(`${path}.backup`)).toBe(false);
});

test('a backup needs the scope admin and takes no parameters', async () => {
  await using api = await start();
  expect(await statusOf(api, READ_TOKEN)).toBe(403);
  expect(await problemOf(await api.ask('POST', '/v1/backup?to=/etc/passwd', { path: 'x' }))).toMatchObject({
    status: 400,
    paths: ['path', 'to'],
  });
  {
    using _broken = breakStore(api.store);
    expect(await statusOf(api)).toBe(503);
  }
  expect(await statusOf(api)).toBe(200);
});
