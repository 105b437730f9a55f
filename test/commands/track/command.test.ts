import { expect, describe, it, vi } from 'vitest';
import { trackCommand } from '../../../src/commands/track/command.ts';
import type { Execution } from '../../../src/domain/execution/execution.ts';
import { expire, notFound } from '../../../src/domain/change/tracking-end.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { ADMIN_TOKEN, EAST, NOW, REGISTER_TOKEN, WEST, startApi } from '../../http/api.ts';
import type { Api } from '../../http/api.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { TOKEN, startCommand, startDaemon, temporaryDirectory } from '../../support/daemon.ts';
import { executionId } from '../../support/executions.ts';
import { runCommand } from '../../support/run-command.ts';
import { recordChange, recordLook } from '../../support/track.ts';
import { ENV, configOf } from '../../support/watch-one-target.ts';

const track = (api: Api, ...args: readonly string[]) =>
  runCommand(trackCommand(), ['--url', api.url, '--token', ADMIN_TOKEN, ...args]);

describe('track', () => {
  it('registers all ids, each with all the options', async () => {
    await using api = await startApi();
    const ids = [executionId(1), executionId(2), executionId(1)];
    const wishes = ['--label', 'team=a', '--label', 'env=prod', '--expected-at', '2026-12-01T00:00:00+01:00'];
    expect(await track(api, ...ids, ...wishes, '--give-up-at', '2026-12-02T00:00:00Z')).toEqual({
      code: 0,
      stdout: `${executionId(1)}  tracked\n${executionId(2)}  tracked\n`,
      stderr: '',
    });
    const { executions } = await api.store.reading.list({ limit: 9 });
    expect(executions).toHaveLength(2);
    for (const execution of executions)
      expect(execution).toMatchObject({
        labels: { team: 'a', env: 'prod' },
        expectedAt: Date.UTC(2026, 10, 30, 23),
        giveUpAt: Date.UTC(2026, 11, 2),
      });
    expect((await track(api, executionId(2), '--json')).stdout).toBe(
      `{"lifecycleExecutionId":"${executionId(2)}","outcome":"existing"}\n`,
    );
  });

  it('accepts more ids than fit into one request', async () => {
    await using api = await startApi();
    const ids = Array.from({ length: 1500 }, (_, number) => executionId(number));
    // 1,000 of them would be 3 MB.
    const labels = Array.from({ length: 12 }, (_, number) => ['--label', `l${number}=${'x'.repeat(256)}`]);
    const { code, stderr } = await track(api, ...ids, ...labels.flat());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await api.store.countActive(EAST)).toBe(1500);
  });

  it('exits with 1 and says why an execution is not accepted', async () => {
    await using api = await startApi();
    const wishes = ['--callback-url', 'https://example.com/', '--give-up-at', '2020-01-01T00:00:00Z'];
    expect(await track(api, executionId(1), ...wishes)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `lifecycle-watcher: ${executionId(1)}: invalid_request: The request is invalid.\n` +
        '  callbackUrl: callbacks are not configured\n  giveUpAt: must not be in the past\n',
    });
    api.parts.targets = [EAST, WEST];
    const { code, stderr } = await track(api, executionId(1), '--wait');
    expect(code).toBe(1);
    expect(stderr).toContain('\n  use --target NAME\n');
    expect(await track(api, executionId(1), '--target', 'west')).toMatchObject({ code: 0 });
  });

  it.each([
    [[]],
    [['lce-1']],
    [[executionId(1), 'lce-1']],
    [[executionId(1), '--label', 'x']],
    [[executionId(1), '--expected-at', 'soon']],
    [[executionId(1), '--timeout', '5']],
  ])('%j is wrong usage', async (args) => {
    expect(await runCommand(trackCommand(), args)).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('track --wait', { timeout: 60_000 }, () => {
  it('reports the final status as its exit code, without asking AWS itself', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    simulator.freeze();
    await using daemon = await startDaemon(
      directory.path,
      configOf(simulator.url, 'http://127.0.0.1:9/'),
      ENV,
    );
    const env = { LIFECYCLE_WATCHER_URL: daemon.url, LIFECYCLE_WATCHER_TOKEN: TOKEN };
    const began = Promise.all(
      (
        [
          ['SUCCESS', 0],
          ['FAILED', 3],
          ['CANCELLED', 4],
        ] as const
      ).map(async ([status, code]) => {
        const end = { status, afterMs: 500, reason: 'as\nit is' };
        const id = simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }, end] });
        const command = startCommand(['track', id, '--wait'], env);
        await command.line((line) => line.endsWith('IN_PROGRESS'));
        return { id, status, code, command };
      }),
    );
    const waiting = await began;
    simulator.thaw();
    for (const { id, status, code, command } of waiting) {
      const ended = await command.ended;
      expect(ended).toMatchObject({ code, stderr: '' });
      expect(ended.stdout.split('\n')).toEqual([
        `${id}  tracked`,
        `${id}  IN_PROGRESS`,
        `${id}  ${status}: as it is`,
        expect.stringMatching(`^${status} after running for`),
      ]);
    }
  });

  /** Returns the stored execution with this number. */
  async function found({ store }: Api, number: number): Promise<Execution> {
    const execution = await store.ledgerOf(EAST, SOLE_TERM).find(executionId(number));
    if (execution === undefined) throw new Error('not registered');
    return execution;
  }

  /** Records the result of a look, as the daemon does. */
  const see = async (api: Api, number: number, status: string) =>
    recordLook(api.store, EAST, await found(api, number), status, NOW);

  /** Resolves when the command first asks for an execution. */
  function looked({ store: { reading } }: Api): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const working = { ...reading };
    vi.spyOn(reading, 'findById').mockImplementation((id) => {
      resolve(undefined);
      return working.findById(id);
    });
    return promise;
  }

  it.each<[string, (api: Api) => Promise<unknown>, number]>([
    [
      'is not found',
      async (api) => recordChange(api.store, EAST, notFound(await found(api, 1), EAST, NOW, NOW)),
      6,
    ],
    [
      'is no longer tracked',
      async (api) => recordChange(api.store, EAST, expire(await see(api, 1, 'IN_PROGRESS'), EAST, NOW)),
      5,
    ],
    ['is deleted', (api) => api.ask('DELETE', `/v1/executions/${executionId(1)}`), 1],
  ])('ends if the execution %s', async (_case, end, expected) => {
    await using api = await startApi();
    const look = looked(api);
    const waiting = track(api, executionId(1), '--wait');
    await look;
    await end(api);
    expect((await waiting).code).toBe(expected);
  });

  it('exits with 5 after its timeout', async () => {
    await using api = await startApi();
    const { code, stdout } = await track(api, executionId(1), '--wait', '--timeout', '1s');
    expect(code).toBe(5);
    expect(stdout).toMatch(/\ntimed out after 1 s; no status was seen\n$/);
  });

  it('waits for all executions, prints lines or JSON for each, and exits with the worst code', async () => {
    await using api = await startApi();
    await track(api, executionId(1), executionId(2), executionId(3));
    await see(api, 1, 'FAILED');
    await see(api, 2, 'SUCCESS');
    await see(api, 3, 'CANCELLED');
    const ids = [executionId(1), executionId(2), executionId(3)];
    const { code, stdout } = await track(api, ...ids, '--wait');
    expect(code).toBe(3);
    const lines = stdout.split('\n');
    for (const [index, status] of ['FAILED', 'SUCCESS', 'CANCELLED'].entries())
      expect(lines).toContainEqual(expect.stringMatching(`^${executionId(index + 1)}  ${status} after `));
    const json = await track(api, ...ids, '--wait', '--json');
    const statuses = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { status: string }).status);
    expect(statuses).toEqual(['FAILED', 'SUCCESS', 'CANCELLED']);
  });

  it('keeps waiting if the daemon does not answer for a while', async () => {
    await using api = await startApi();
    await track(api, executionId(1));
    const asked = Promise.withResolvers<undefined>();
    const spy = vi.spyOn(api.store.reading, 'findById').mockImplementation(() => {
      asked.resolve(undefined);
      return Promise.reject(new StoreError('disk is full'));
    });
    const waiting = track(api, executionId(1), '--wait');
    await asked.promise;
    await see(api, 1, 'SUCCESS');
    spy.mockRestore();
    const { code, stdout } = await waiting;
    expect(code).toBe(0);
    expect(stdout).toMatch(/unavailable: store_unavailable: /);
  });

  it('exits with 1 if the token lacks the scope read', async () => {
    await using api = await startApi();
    expect(await track(api, executionId(1), '--wait', '--token', REGISTER_TOKEN)).toMatchObject({
      code: 1,
      stdout: `${executionId(1)}  tracked\n`,
      stderr: expect.stringContaining('scope read is needed') as string,
    });
  });

  it('ends cleanly after Ctrl-C', async () => {
    await using api = await startApi();
    const look = looked(api);
    await using command = startCommand(['track', executionId(1), '--wait', '--url', api.url], {
      LIFECYCLE_WATCHER_TOKEN: ADMIN_TOKEN,
    });
    await command.line((line) => line.endsWith('tracked'));
    await look;
    const ended = await command.kill('SIGINT');
    expect(ended).toMatchObject({ code: 130, stderr: '' });
    expect(ended.stdout.split('\n').at(-1)).toMatch(
      /^stopped waiting after \d+ s; the execution is not affected$/,
    );
  });
});
