import { describe, expect, it } from 'vitest';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { startCommand } from '../../support/daemon.ts';

const UNKNOWN_ID = 'lce-00000000-0000-4000-8000-000000000001';
const running = [{ status: 'IN_PROGRESS', afterMs: 0 }];

/** Runs the command with the environment variables of the SDK. */
const wait = (url: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  startCommand(['wait', ...args], { AWS_ENDPOINT_URL: url, AWS_REGION: 'eu-west-1', ...env });

describe('wait', { timeout: 60_000 }, () => {
  it.each([
    ['SUCCESS', 0],
    ['FAILED', 3],
    ['CANCELLED', 4],
  ] as const)('reports %s as exit code %i', async (status, code) => {
    await using simulator = await startSimulator();
    simulator.freeze();
    const id = simulator.start({
      region: 'eu-west-1',
      timeline: [...running, { status, afterMs: 500, reason: 'as\nit is' }],
    });
    await using command = wait(simulator.url, [id]);
    await command.line((text) => text.includes('IN_PROGRESS'));
    simulator.thaw();
    const ended = await command.ended;
    expect(ended).toMatchObject({ code, stderr: '' });
    const [first, ...rest] = ended.stdout.split('\n');
    expect(first).toBe(`${id}  IN_PROGRESS`);
    expect(rest).toEqual([
      `${id}  ${status}: as it is`,
      expect.stringMatching(`^${status} after running for`),
    ]);
    expect(ended.stdout).not.toMatch(/[\r{]/);
  });

  it('exits with 5 after its timeout, and asks in the given Region', async () => {
    await using simulator = await startSimulator();
    const id = simulator.start({ region: 'us-east-1', timeline: running });
    await using command = wait(simulator.url, [id, '--timeout', '2s', '--region', 'us-east-1']);
    const { code, stdout } = await command.ended;
    expect(code).toBe(5);
    expect(stdout.split('\n').at(-1)).toBe('timed out after 2 s; the last status was IN_PROGRESS');
  });

  it('exits with 6 if AWS knows no such execution', async () => {
    await using simulator = await startSimulator();
    await using command = wait(simulator.url, [UNKNOWN_ID, '--timeout', '2s']);
    expect((await command.ended).code).toBe(6);
  });

  it('exits with 1 after one call if AWS denies access', async () => {
    await using simulator = await startSimulator({ accounts: {} });
    await using command = wait(simulator.url, [UNKNOWN_ID]);
    expect(await command.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UnrecognizedClientException') as string,
    });
    expect(simulator.calls()).toHaveLength(1);
  });

  it('exits with 1 if there are no credentials', async () => {
    await using simulator = await startSimulator();
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', HOME: '/nonexistent' };
    await using command = wait(simulator.url, [UNKNOWN_ID], none);
    expect(await command.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Could not load credentials') as string,
    });
  });

  it.each<[string, readonly string[], Record<string, string>]>([
    ['a malformed id', ['lce-1'], {}],
    ['no id', [], {}],
    ['no Region', [UNKNOWN_ID], { AWS_REGION: '', HOME: '/nonexistent' }],
    ['a malformed Region', [UNKNOWN_ID, '--region', 'example.com/'], {}],
    ['a malformed timeout', [UNKNOWN_ID, '--timeout', '5'], {}],
    ['a timeout that is too long for a timer', [UNKNOWN_ID, '--timeout', '25d'], {}],
  ])('exits with 2 for %s', async (_case, args, env) => {
    await using command = wait('http://127.0.0.1:9', args, env);
    const { code, stderr, stdout } = await command.ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  it('ends cleanly after Ctrl-C', async () => {
    await using simulator = await startSimulator();
    const id = simulator.start({ region: 'eu-west-1', timeline: running });
    await using command = wait(simulator.url, [id]);
    await command.line((line) => line.endsWith('IN_PROGRESS'));
    const ended = await command.kill('SIGINT');
    expect(ended).toMatchObject({ code: 130, stderr: '' });
    expect(ended.stdout.split('\n').at(-1)).toMatch(
      /^stopped waiting after \d+ s; the execution is not affected$/,
    );
  });
});
