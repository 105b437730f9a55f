import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { TOKEN, startCommand, startDaemon, temporaryDirectory } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { ENV, PATIENCE, configOf, register } from '../support/watch-one-target.ts';

interface Page {
  readonly events: readonly { readonly id: string }[];
  readonly next: string;
}

const feed = (daemon: Daemon, after = '') =>
  daemon.api<Page>('GET', `/v1/events${after === '' ? '' : `?after=${after}`}`);

it(
  'a store restored from a backup goes on, and answers cursors from before the restore with 410',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    const config = configOf(simulator.url, 'http://127.0.0.1:9/');
    const startEnded = () => simulator.start({ timeline: [{ status: 'FAILED', afterMs: 0 }] });
    const copy = join(directory.path, 'copy.db');
    const waitForEvents = async (daemon: Daemon, count: number) =>
      vi.waitFor(async () => {
        const page = await feed(daemon);
        expect(page.events).toHaveLength(count);
        return page;
      }, PATIENCE);

    let before: Page;
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await register(daemon, [startEnded(), startEnded()]);
      before = await waitForEvents(daemon, 2);
      const env = { LIFECYCLE_WATCHER_URL: daemon.url, LIFECYCLE_WATCHER_TOKEN: TOKEN };
      await using command = startCommand(['backup', copy], env);
      expect(await command.ended).toMatchObject({ code: 0, stderr: '' });
      await register(daemon, [startEnded()]);
      await waitForEvents(daemon, 3);
      expect((await daemon.kill('SIGTERM')).code).toBe(0);
    }
    for (const ending of ['-wal', '-shm'])
      await rm(join(directory.path, `watcher.db${ending}`), { force: true });
    await rename(copy, join(directory.path, 'watcher.db'));

    let after: Page;
    {
      await using daemon = await startDaemon(directory.path, config, ENV);
      await expect(feed(daemon, before.next)).rejects.toThrow(/410 .*cursor_expired/);
      after = await feed(daemon);
      expect(after.events).toEqual(before.events);
      await register(daemon, [startEnded()]);
      await waitForEvents(daemon, 3);
      expect((await daemon.kill('SIGTERM')).code).toBe(0);
    }
    // A feed that began after the restore survives further starts.
    await using daemon = await startDaemon(directory.path, config, ENV);
    expect((await feed(daemon, after.next)).events).toHaveLength(1);
  },
);
