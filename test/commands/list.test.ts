import { describe, expect, it } from 'vitest';
import { listCommand } from '../../src/commands/list.ts';
import { showCommand } from '../../src/commands/show.ts';
import { EAST, READ_TOKEN, WEST, startApi } from '../http/fake-parts.ts';
import type { Api } from '../http/fake-parts.ts';
import { anEventBody, anExecution, executionId } from '../support/executions.ts';
import { keyText } from '../../src/domain/execution.ts';
import { runCommand } from '../support/run-command.ts';

const list = (api: Api, ...args: readonly string[]) =>
  runCommand(listCommand(), ['--url', api.url, '--token', READ_TOKEN, ...args]);
const show = (api: Api, ...args: readonly string[]) =>
  runCommand(showCommand(), ['--url', api.url, '--token', READ_TOKEN, ...args]);

const east = { accountId: EAST.accountId, region: EAST.region };
const put = (api: Api, number: number, differing: Parameters<typeof anExecution>[0] = {}) =>
  api.parts.put(anExecution({ ...east, lifecycleExecutionId: executionId(number), ...differing }));

interface Listed {
  readonly lifecycleExecutionId: string;
}
const idsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Listed).lifecycleExecutionId);

describe('list', () => {
  it('follows pages up to its limit, and says that there are more', async () => {
    await using api = await startApi();
    for (let number = 1; number <= 1203; number += 1) put(api, number);
    const all = await list(api, '--json', '--limit', '5000');
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(idsOf(all.stdout)).toEqual(Array.from({ length: 1203 }, (_, index) => executionId(1203 - index)));
    const some = await list(api, '--json', '--limit', '1001');
    expect(idsOf(some.stdout)).toHaveLength(1001);
    expect(some.stderr).toBe('lifecycle-watcher: there are more than these 1001: see --limit\n');
    expect(idsOf((await list(api, '--json')).stdout)).toHaveLength(100);
  });

  it('shows what matches all that is asked for', async () => {
    await using api = await startApi();
    const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
    api.parts.targetList = [EAST, WEST];
    put(api, 1, { labels: { team: 'a', env: 'prod' }, status: 'FAILED', tracking: 'finished' });
    put(api, 2, { labels: { team: 'b=c', env: 'prod' }, lifecyclePolicyArn: arn });
    put(api, 3, { accountId: WEST.accountId, region: WEST.region });
    const matching = async (...args: readonly string[]) => idsOf((await list(api, '--json', ...args)).stdout);
    expect(await matching('--label', 'env=prod', '--label', 'team=b=c')).toEqual([executionId(2)]);
    expect(await matching('--status', 'FAILED', '--tracking', 'finished')).toEqual([executionId(1)]);
    expect(await matching('--policy', arn)).toEqual([executionId(2)]);
    expect(await matching('--target', 'west')).toEqual([executionId(3)]);
    expect(await list(api, '--target', 'nowhere')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'lifecycle-watcher: unknown_target: No target of this name is configured.\n',
    });
  });

  it('is a table for people, in which nothing steers the terminal', async () => {
    await using api = await startApi();
    put(api, 1, { labels: { note: '\u001b[2Jgone\nlce-fake  x' }, status: 'NEW\u009b' });
    put(api, 2, { status: 'FAILED', tracking: 'finished', statusSince: Date.now() - 3_660_000 });
    const { stdout } = await list(api);
    expect(stdout.trimEnd().split('\n')).toEqual([
      `ID${' '.repeat(38)}  TARGET  TRACKING  STATUS  FOR        LABELS`,
      `${executionId(2)}  east    finished  FAILED  1 h 1 min`,
      `${executionId(1)}  east    active    NEW     -          note= [2Jgone lce-fake x`,
    ]);
  });

  it.each([
    [['--tracking', 'lost']],
    [['--limit', '0']],
    [['--limit', '1000001']],
    [['--label', 'team']],
    [['--label', 'a b=c']],
    [['--label', 'a=1', '--label', 'a=2']],
    [['--url', 'nowhere']],
    [['extra']],
  ])('%j is wrong usage', async (args) => {
    expect(await runCommand(listCommand(), args)).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('show', () => {
  it('shows what is known, and the events', async () => {
    await using api = await startApi();
    const execution = anExecution({
      ...east,
      status: 'FAILED',
      tracking: 'finished',
      reason: 'it\u001b[31m broke',
      labels: { team: 'a' },
      resources: { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 12 }], truncated: true },
    });
    api.parts.put(execution);
    const body = anEventBody({ type: 'execution.failed' });
    api.parts.events.push({
      position: 1,
      id: 'e',
      type: 'execution.failed',
      time: 0,
      body,
      key: keyText(execution),
    });
    const { code, stdout, stderr } = await show(api, executionId(1), '--events');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^lifecycleExecutionId +lce-.*\ntarget +east \(123456789012, us-east-1\)\ntracking +finished\n/,
    );
    expect(stdout).toMatch(/\nreason +it \[31m broke\n/);
    expect(stdout).toMatch(/\nresources +DELETE SUCCESS 12, not all are listed yet\n/);
    expect(stdout).toMatch(/\n1 +\S+Z +execution\.failed +- → FAILED +[0-9a-f]+\n$/);
    const asJson = JSON.parse((await show(api, executionId(1), '--events', '--json')).stdout) as object;
    expect(asJson).toMatchObject({ status: 'FAILED', labels: { team: 'a' }, events: [JSON.parse(body)] });
  });

  it('says that an id is in two targets, and which option tells', async () => {
    await using api = await startApi();
    api.parts.targetList = [EAST, WEST];
    put(api, 1);
    put(api, 1, { accountId: WEST.accountId, region: WEST.region });
    const { code, stderr } = await show(api, executionId(1));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^lifecycle-watcher: ambiguous_target: .*\n {2}give --target NAME\n$/);
    expect((await show(api, executionId(1), '--target', 'west')).stdout).toContain('eu-west-1');
  });

  it('fails where the id is not known, and refuses what is no id', async () => {
    await using api = await startApi();
    expect(await show(api, executionId(9))).toMatchObject({ code: 1, stdout: '' });
    expect(await show(api, 'lce-1/../../v1/targets')).toMatchObject({ code: 2, stdout: '' });
  });
});
