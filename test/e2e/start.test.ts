import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { startCommand, startDaemon, temporaryDirectory } from '../support/daemon.ts';

const TARGET = {
  name: 'prod',
  accountId: '123456789012',
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:1',
};

/** Runs `run` with this configuration, and returns its exit code and output. */
async function refusalOf(directory: string, config: object, env: Readonly<Record<string, string>> = {}) {
  const file = join(directory, 'refused.yaml');
  await writeFile(file, JSON.stringify(config));
  await using command = startCommand(['run', '--config', file], env);
  const { code, stdout, stderr } = await command.ended;
  return { code, stdout, lines: stderr.split('\n') };
}

const valid = (directory: string) => ({
  server: { port: 0, insecure: true },
  store: { sqlite: { path: join(directory, 'watcher.db') } },
  targets: [TARGET],
});

describe('a start that is refused', () => {
  it('names every fault of the configuration, exit code 2', async () => {
    await using directory = await temporaryDirectory();
    const config = { ...valid(directory.path), targets: [{ ...TARGET, accountId: 12, regoin: 'x' }] };
    const { code, stdout, lines } = await refusalOf(directory.path, config);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(lines.join('\n')).toMatch(/refused\.yaml:1: targets\[0\]\.accountId: /);
    expect(lines.join('\n')).toMatch(/refused\.yaml:1: targets\[0\]\.regoin: .*region/);
  });

  it('names a secret that is missing, exit code 2', async () => {
    await using directory = await temporaryDirectory();
    const tokens = [{ name: 'ci', scopes: ['register'], value: { env: 'NOT_SET_ANYWHERE' } }];
    const config = { ...valid(directory.path), server: { port: 0, tokens } };
    const { code, lines } = await refusalOf(directory.path, config);
    expect(code).toBe(2);
    expect(lines).toEqual([
      expect.stringMatching(/server\.tokens\[0\]\.value\.env: .*NOT_SET_ANYWHERE is not set/),
    ]);
  });

  it('names a file that is missing, exit code 2', async () => {
    await using command = startCommand(['run', '--config', '/nowhere/watcher.yaml']);
    const { code, stderr } = await command.ended;
    expect(code).toBe(2);
    expect(stderr.split('\n')).toEqual([expect.stringContaining('/nowhere/watcher.yaml')]);
  });

  it('names a port in use, exit code 1, and releases the database', async () => {
    await using directory = await temporaryDirectory();
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    const { port } = holder.address() as AddressInfo;
    const config = { ...valid(directory.path), server: { port, insecure: true } };
    const refused = await refusalOf(directory.path, config);
    expect(refused.code).toBe(1);
    expect(refused.lines).toEqual([expect.stringContaining(`127.0.0.1:${port}`)]);
    holder.close();
    await using daemon = await startDaemon(directory.path, { targets: [TARGET] });
    expect((await daemon.kill('SIGTERM')).code).toBe(0);
  });

  it('names a database that another daemon uses, exit code 1', async () => {
    await using directory = await temporaryDirectory();
    await using _first = await startDaemon(directory.path, { targets: [TARGET] });
    const { code, lines } = await refusalOf(directory.path, valid(directory.path));
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/watcher\.db: another lifecycle-watcher is using it/)]);
  });

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    [
      'newer',
      async (path) => {
        await using directory = await temporaryDirectory();
        await using daemon = await startDaemon(directory.path, {
          targets: [TARGET],
          store: { sqlite: { path } },
        });
        await daemon.kill('SIGTERM');
        using database = new DatabaseSync(path);
        database.exec('UPDATE store_state SET schema_version = 9999');
      },
      /newer version \(schema 9999\).*start that version/,
    ],
    [
      'older',
      async (path) => {
        await mkdir(dirname(path), { recursive: true });
        using database = new DatabaseSync(path);
        database.exec('PRAGMA application_id = 0x6c637761; CREATE TABLE kysely_migration (name TEXT)');
      },
      /older version.*begin with a new store/,
    ],
    [
      'no database',
      (path) => writeFile(path, 'no database at all, only text. '.repeat(100)),
      /not a database/,
    ],
    ['not writable', (path) => mkdir(path), /unable to open/],
  ])('names a database that is %s, exit code 1', async (_case, spoil, reason) => {
    await using directory = await temporaryDirectory();
    const config = valid(directory.path);
    await spoil(config.store.sqlite.path);
    const { code, stdout, lines } = await refusalOf(directory.path, config);
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(reason)]);
    expect(stdout).not.toContain('listening');
  });

  it('reports wrong usage, exit code 2', async () => {
    for (const args of [['run', '--confg', 'x'], ['fly'], ['demo', '--seconds', 'ten']]) {
      await using command = startCommand(args);
      const { code, stderr } = await command.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: /);
    }
  });

  it.each([
    'run',
    'check-config',
    'demo',
    'simulate',
    'receive',
    'wait',
    'track',
    'list',
    'show',
    'resend',
    'backup',
    'healthcheck',
  ])('%s --help shows an example', async (name) => {
    await using command = startCommand([name, '--help']);
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples?:\\s+([A-Z_]+=\\S+ )?lifecycle-watcher ${name}`));
  });
});
