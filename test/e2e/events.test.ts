import { describe, expect, it, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { UNPUBLISHED_STATUS } from '../../src/simulator/timeline.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { strictValidator, publishedValidator } from '../support/event-schema.ts';
import { executionId } from '../support/executions.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import { ENV, PATIENCE, configOf, eventOf, feedOf } from '../support/watch-one-target.ts';

/** The events that a run of some seconds can produce; the others need minutes of answers, or an outage. */
const TYPES = [
  'execution.pending',
  'execution.resumed',
  'execution.cancelling',
  'execution.succeeded',
  'execution.failed',
  'execution.cancelled',
  'execution.unknown_status',
  'execution.stalled',
  'execution.expired',
  'endpoint.test',
];

/** A timeline of these statuses, far enough apart for several polls of each. */
const steps = (...statuses: readonly string[]) =>
  statuses.map((status, index) => ({ status, afterMs: index * 5000, reason: `because of ${status}` }));

describe('the events of a real run', { timeout: 120_000 }, () => {
  it('are as config/event.schema.json describes them, without further members', async () => {
    await using directory = await temporaryDirectory();
    await using simulator = await startSimulator();
    await using receiver = await startFakeReceiver();
    const { targets, ...rest } = configOf(simulator.url, receiver.url);
    const impatient = targets.map((target) => ({ ...target, stalledAfterSeconds: { CANCELLING: 1 } }));
    await using daemon = await startDaemon(directory.path, { ...rest, targets: impatient }, ENV);

    const timelines = [
      steps('IN_PROGRESS', 'PENDING', 'IN_PROGRESS', 'SUCCESS'),
      steps('IN_PROGRESS', UNPUBLISHED_STATUS, 'FAILED'),
      steps('IN_PROGRESS', 'CANCELLING', 'CANCELLED'),
      steps('SUCCESS'),
    ];
    const ids = timelines.map((timeline) => simulator.start({ timeline }));
    for (const lifecycleExecutionId of ids)
      await daemon.api('POST', '/v1/executions', { lifecycleExecutionId, labels: { team: 'größe ✓' } });
    await daemon.api('POST', '/v1/executions', {
      lifecycleExecutionId: executionId(99),
      resourceArn: 'arn:aws:imagebuilder:us-east-1:123456789012:image/base/1.0.0/1',
      giveUpAt: new Date(Date.now() + 3000).toISOString(),
    });
    await daemon.api('POST', '/v1/endpoints/ops/test');

    const received = () => receiver.received().map(eventOf);
    await vi.waitFor(() => {
      const types = new Set(received().map(({ type }) => type.replace('lifecycle-watcher.', '')));
      expect([...types].sort()).toEqual([...TYPES].sort());
    }, PATIENCE);
    const published = await publishedValidator();
    const exact = strictValidator();
    for (const event of [...received(), ...(await feedOf(daemon))]) {
      expect(published(event), event.type).toEqual([]);
      expect(exact(event), event.type).toEqual([]);
    }
  });
});
