import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startReceiver } from '../../src/receiver/receiver.ts';
import { bodyOf, post, send } from '../receiver/requests.ts';
import { startCommand } from '../support/daemon.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';

describe('the command receive', () => {
  it('prints its address and each event once, and exits with 0 after a signal', async () => {
    await using command = startCommand(['receive', '--port', '0'], { RECEIVER_SECRET: WEBHOOK_SECRET });
    const listening: unknown = JSON.parse(await command.line((line) => line.includes('"listening"')));
    expect(listening).toMatchObject({ msg: 'listening', part: 'receiver', host: '127.0.0.1' });
    const { port } = listening as { port: number };
    const url = `http://127.0.0.1:${port}/`;
    expect(await send(url, 'a')).toBe(204);
    expect(await send(url, 'a')).toBe(204);
    expect(await post(url, bodyOf('a'), {})).toBe(401);
    expect(await send(url, 'b')).toBe(204);
    await command.line((line) => line.includes('"id":"b"'));
    const { code, stderr, stdout } = await command.kill('SIGTERM');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const printed = stdout.trimEnd().split('\n').slice(1);
    expect(printed.map((line): unknown => JSON.parse(line))).toMatchObject([
      { msg: 'event', id: 'a', type: 'lifecycle-watcher.execution.failed' },
      { msg: 'event', id: 'b' },
      { msg: 'stopped', received: 3, repeats: 1, rejected: 1 },
    ]);
    expect(stdout).not.toContain('whsec_');
  });

  it.each([
    ['receive', ['--port', '0', '--secret', WEBHOOK_SECRET]],
    ['receive', [`--secret=${WEBHOOK_SECRET}`, '--port', '0']],
  ])('does not show its secret in the list of processes: %s %j', async (name, args) => {
    await using command = startCommand([name, ...args]);
    await command.line((line) => line.includes('"listening"'));
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(command.pid)]);
    expect(stdout).toContain(`${name} `);
    expect(stdout).not.toContain(WEBHOOK_SECRET);
  });

  it('generates and prints a secret if there is none, and exits with 0 after Ctrl-C', async () => {
    await using command = startCommand(['receive', '--port', '0']);
    await command.line((line) => line.includes('"listening"'));
    const { code, stderr } = await command.kill('SIGINT');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^generated a secret for this run: whsec_\S{40,}$/);
  });

  it.each([
    [['--secret', 'hush']],
    [['--secret', 'whsec_c2hvcnQ=']],
    [['--port', '70000']],
    [['--port', 'http']],
    [['--nonsense']],
  ])('exits with 2 and one line of error for %j', async (args) => {
    await using command = startCommand(['receive', ...args]);
    const { code, stderr, stdout } = await command.ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('exits with 1 if the port is in use', async () => {
    await using receiver = await startReceiver();
    await using command = startCommand(['receive', '--port', String(receiver.port)]);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE/);
  });
});
