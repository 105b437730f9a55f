import { execFileSync, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { TOKEN, startCommand, temporaryDirectory, writeConfig } from '../support/daemon.ts';
import { listening } from '../support/listen.ts';
import { unreadPipe } from '../support/unread-pipe.ts';

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const TARGET = {
  name: 'prod',
  accountId: '123456789012',
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:1',
};
const TO_FIRST = 'exec "$@" > "$0"';
const TO_FULL_DISK =
  'mount -t tmpfs -o size=64k none "$0" && { head -c 200000 /dev/zero > "$0/filler" || true; } 2>&1 && exec "$@" > "$0/log"';

async function freePort(): Promise<number> {
  await using server = await listening(createServer());
  return server.port;
}

/** Starts the daemon by way of `wrapper`, waits until it lives, ends it by a signal and returns its exit code. */
async function liveAndEnd(directory: string, wrapper: readonly string[]): Promise<number | null> {
  const port = await freePort();
  const tokens = [{ name: 'tests', scopes: ['admin'], value: { env: 'TEST_TOKEN' } }];
  const file = await writeConfig(directory, { server: { port, tokens }, targets: [TARGET] });
  await using daemon = startCommand(['run', '--config', file], { TEST_TOKEN: TOKEN }, wrapper);
  const live = async () => {
    const { status } = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1000) });
    expect(status).toBe(200);
  };
  await vi.waitFor(live, { timeout: 15_000, interval: 50 });
  // It logs one line more.
  process.kill(daemon.pid ?? NaN, 'SIGHUP');
  await live();
  const { code } = await daemon.kill('SIGTERM');
  return code;
}

describe('the daemon lives and ends with 0 after a signal, even if its log', () => {
  it('goes to a device that is full', async () => {
    await using directory = await temporaryDirectory();
    expect(await liveAndEnd(directory.path, ['sh', '-c', TO_FIRST, '/dev/full'])).toBe(0);
  });

  it.skipIf(!canMount)('goes to a disk that is full', async () => {
    await using directory = await temporaryDirectory();
    await using disk = await temporaryDirectory();
    expect(
      await liveAndEnd(directory.path, ['unshare', '--mount', 'sh', '-c', TO_FULL_DISK, disk.path]),
    ).toBe(0);
  });

  it('goes to a pipe that is full because its reader has stopped', async () => {
    await using directory = await temporaryDirectory();
    using pipe = await unreadPipe(directory.path);
    pipe.fill();
    expect(await liveAndEnd(directory.path, ['sh', '-c', TO_FIRST, pipe.path])).toBe(0);
  });

  it('goes to a pipe without a reader', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'pipe');
    execFileSync('mkfifo', [path]);
    // Opened for both, so that this does not wait for a reader; then only the end for writing is left.
    const wrapper = ['sh', '-c', 'exec 3<>"$0" 4>"$0" 3>&- && exec "$@" >&4 4>&-', path];
    expect(await liveAndEnd(directory.path, wrapper)).toBe(0);
  });
});

describe('a command whose message on standard error cannot be written', () => {
  it('exits with the code of its fault', async () => {
    await using directory = await temporaryDirectory();
    const file = await writeConfig(directory.path, { unknown: true });
    await using command = startCommand(['run', '--config', file], {}, [
      'sh',
      '-c',
      'exec "$@" 2> /dev/full',
      'sh',
    ]);
    expect((await command.ended).code).toBe(2);
  });
});

describe('a command whose result cannot be written', () => {
  it('says so in one line and exits with 1', async () => {
    await using directory = await temporaryDirectory();
    const file = await writeConfig(directory.path, { targets: [TARGET] });
    const wrapper = ['sh', '-c', TO_FIRST, '/dev/full'];
    await using command = startCommand(['check-config', '--config', file], { TEST_TOKEN: TOKEN }, wrapper);
    const { code, stderr } = await command.ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'lifecycle-watcher: standard output cannot be written: ENOSPC: no space left on device, write',
    });
  });
});
