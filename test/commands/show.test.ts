import { describe, expect, it } from 'vitest';
import { showCommand } from '../../src/commands/show.ts';
import { transition } from '../../src/domain/change/transition.ts';
import { EAST, NOW, READ_TOKEN, WEST, startApi } from '../http/api.ts';
import type { Api } from '../http/api.ts';
import { anObservation, executionId } from '../support/executions.ts';
import { runCommand } from '../support/run-command.ts';
import { recordChange, track } from '../support/track.ts';

const show = (api: Api, ...args: readonly string[]) =>
  runCommand(showCommand(), ['--url', api.url, '--token', READ_TOKEN, ...args]);

describe('show', () => {
  it('shows the execution and its events', async () => {
    await using api = await startApi();
    const execution = await track(api.store, EAST, 1, [], NOW, { labels: { team: 'a' } });
    const seen = anObservation('FAILED', NOW, {
      reason: 'it\u001b[31m broke',
      resources: { counts: [{ action: 'DELETE', status: 'SUCCESS', count: 12 }], truncated: true },
    });
    await recordChange(api.store, EAST, transition(execution, EAST, seen));
    const [event] = await api.store.reading.eventsOf(execution, 1);
    const { code, stdout, stderr } = await show(api, executionId(1), '--events');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^lifecycleExecutionId +lce-.*\ntarget +east \(123456789012, us-east-1\)\ntracking +finished\n/,
    );
    expect(stdout).toMatch(/\nreason +it \[31m broke\n/);
    expect(stdout).toMatch(/\nresources +DELETE SUCCESS 12, not all are listed yet\n/);
    expect(stdout).toMatch(/\n1 +\S+Z +execution\.failed +- → FAILED +[0-9a-f]+\n$/);
    const asJson = JSON.parse((await show(api, executionId(1), '--events', '--json')).stdout) as object;
    expect(asJson).toMatchObject({
      status: 'FAILED',
      labels: { team: 'a' },
      events: [JSON.parse(event!.body)],
    });
  });

  it('names the option that is needed if two targets have the id', async () => {
    await using api = await startApi();
    api.parts.targets = [EAST, WEST];
    for (const target of [EAST, WEST]) await track(api.store, target, 1, [], NOW);
    const { code, stderr } = await show(api, executionId(1));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^lifecycle-watcher: ambiguous_target: .*\n {2}use --target NAME\n$/);
    expect((await show(api, executionId(1), '--target', 'west')).stdout).toContain('eu-west-1');
  });

  it('exits with 1 for an unknown id and with 2 for a malformed one', async () => {
    await using api = await startApi();
    expect(await show(api, executionId(9))).toMatchObject({ code: 1, stdout: '' });
    expect(await show(api, 'lce-1/../../v1/targets')).toMatchObject({ code: 2, stdout: '' });
  });
});
