import { describe, expect, it, vi } from 'vitest';
import { slackMessage } from '../../src/delivery/sending/slack-message.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, feedOf } from '../support/watch-one-target.ts';

describe('an endpoint for Slack', { timeout: 120_000 }, () => {
  it('gets messages through the same filters and retries, and its URL is never shown', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using ops = await startFakeReceiver();
    await using slack = await startFakeReceiver((response) => response.writeHead(429).end('rate_limited'));
    const people = {
      name: 'people',
      format: 'slack',
      url: { env: 'SLACK_HOOK' },
      events: ['execution.failed'],
    };
    const { endpoints, ...rest } = configOf(simulator.url, ops.url);
    const config = { ...rest, endpoints: [...endpoints, people] };
    const env = { ...ENV, SLACK_HOOK: `http://127.0.0.1:${slack.port}/services/T0/B0/hidden` };
    await using daemon = await startDaemon(directory.path, config, env);

    const ends = ['SUCCESS', 'FAILED'];
    const ids = ends.map((status) =>
      simulator.start({ timeline: [{ status, afterMs: 0, reason: 'An <AMI> could not be deleted.' }] }),
    );
    for (const lifecycleExecutionId of ids)
      await daemon.api('POST', '/v1/executions', { lifecycleExecutionId });
    await vi.waitFor(() => expect(slack.received()).toHaveLength(1), PATIENCE);
    slack.respondWith((response) => response.writeHead(200).end('ok'));
    await vi.waitFor(() => expect(slack.received()).toHaveLength(2), PATIENCE);
    await vi.waitFor(() => expect(ops.received()).toHaveLength(2), PATIENCE);

    const failed = (await feedOf(daemon)).find(({ subject }) => subject === ids[1]);
    const [first, second] = slack.received();
    expect(first?.body).toBe(slackMessage(JSON.stringify(failed)));
    expect(first?.body).toContain('An &lt;AMI&gt; could not be deleted.');
    expect(second?.body).toBe(first?.body);

    await daemon.api('POST', '/v1/endpoints/people/test');
    expect(slack.received().at(-1)?.body).toContain('Test');
    const shown = [
      await daemon.api('GET', '/v1/endpoints'),
      await daemon.api('GET', '/v1/deliveries?endpoint=people'),
      await (await fetch(`${daemon.url}/metrics`)).text(),
      (await daemon.kill('SIGTERM')).stdout,
    ];
    expect(JSON.stringify(shown)).not.toMatch(/hidden|services/);
  });
});
