import { describe, expect, it } from 'vitest';
import { listCommand } from '../../src/commands/list.ts';
import { EAST, NOW, READ_TOKEN, WEST, startApi } from '../http/api.ts';
import type { Api } from '../http/api.ts';
import { executionId } from '../support/executions.ts';
import { runCommand } from '../support/run-command.ts';
import { recordLook, registerEach, track } from '../support/track.ts';

const list = (api: Api, ...args: readonly string[]) =>
  runCommand(listCommand(), ['--url', api.url, '--token', READ_TOKEN, ...args]);

interface Listed {
  readonly lifecycleExecutionId: string;
}
const idsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Listed).lifecycleExecutionId);

describe('list', () => {
  it('lists several pages up to its limit, and says if there are more', async () => {
    await using api = await startApi();
    await registerEach(
      api.store,
      EAST,
      Array.from({ length: 1203 }, (_, index) => index + 1),
      NOW,
    );
    const all = await list(api, '--json', '--limit', '5000');
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(idsOf(all.stdout)).toEqual(Array.from({ length: 1203 }, (_, index) => executionId(1203 - index)));
    const some = await list(api, '--json', '--limit', '1001');
    expect(idsOf(some.stdout)).toHaveLength(1001);
    expect(some.stderr).toBe('lifecycle-watcher: only the first 1001 are listed; use --limit to list more\n');
    expect(idsOf((await list(api, '--json')).stdout)).toHaveLength(100);
  });

  it('lists the executions that match all filters', async () => {
    await using api = await startApi();
    const arn = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';
    api.parts.targets = [EAST, WEST];
    await track(api.store, EAST, 1, ['FAILED'], NOW, { labels: { team: 'a', env: 'prod' } });
    const second = await track(api.store, EAST, 2, [], NOW, { labels: { team: 'b=c', env: 'prod' } });
    await recordLook(api.store, EAST, second, 'IN_PROGRESS', NOW, { lifecyclePolicyArn: arn });
    await track(api.store, WEST, 3, [], NOW);
    const matching = async (...args: readonly string[]) => idsOf((await list(api, '--json', ...args)).stdout);
    expect(await matching('--label', 'env=prod', '--label', 'team=b=c')).toEqual([executionId(2)]);
    expect(await matching('--status', 'FAILED', '--tracking', 'finished')).toEqual([executionId(1)]);
    expect(await matching('--status', 'failed')).toEqual([executionId(1)]);
    expect(await matching('--policy', arn)).toEqual([executionId(2)]);
    expect(await matching('--target', 'west')).toEqual([executionId(3)]);
    expect(await list(api, '--target', 'nowhere')).toMatchObject({
      code: 2,
      stdout: '',
      stderr:
        'lifecycle-watcher: invalid_request: The request is invalid.\n  target: is no target that is configured or was used before\n',
    });
  });

  it('prints a table without control characters', async () => {
    await using api = await startApi();
    const labels = { note: '\u001b[2Jgone\nlce-fake  x' };
    await track(api.store, EAST, 1, ['NEW\u009b'], Date.now() - 65_000, { labels });
    await track(api.store, EAST, 2, ['FAILED'], Date.now() - 3_665_000);
    await track(api.store, EAST, 3, [], Date.now());
    const { stdout } = await list(api);
    expect(stdout.trimEnd().split('\n')).toEqual([
      `ID${' '.repeat(38)}  TARGET  TRACKING  STATUS  FOR        LABELS`,
      `${executionId(3)}  east    active    -       -`,
      `${executionId(2)}  east    finished  FAILED  1 h 1 min`,
      // The listing may take some seconds on a busy machine.
      expect.stringMatching(
        `^${executionId(1)}  east    active    NEW     1 min [5-9] s  note= \\[2Jgone lce-fake x$`,
      ),
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
