import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../src/domain/call/operation.ts';
import { transition } from '../../src/domain/change/transition.ts';
import { setGauges } from '../../src/metrics/gauges.ts';
import { countNotices } from '../../src/metrics/count-notices.ts';
import { createInstruments, createZeroing } from '../../src/metrics/instruments.ts';
import { TARGET, anExecution, anObservation } from '../support/executions.ts';

const T0 = Date.UTC(2026, 10, 23, 6);

/** Returns the watcher's own samples by name and labels, without the prefix. */
async function samples({
  registry,
}: ReturnType<typeof createInstruments>): Promise<ReadonlyMap<string, number>> {
  const text = await registry.metrics();
  return new Map(
    text.split('\n').flatMap((line): [string, number][] => {
      const [, name, value] = /^lifecycle_watcher_(\S+) (\S+)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, Number(value)]];
    }),
  );
}

function instrumentsAtStart() {
  const instruments = createInstruments('1.2.3');
  createZeroing(instruments, OPERATIONS)({ targets: ['prod'], endpoints: ['ops'] });
  const idle = { isUp: true, rate: { perSecond: 2 }, shortfall: 0, overdueSeconds: 0 };
  setGauges(
    instruments,
    [{ target: 'prod', ...idle, statuses: new Map(), stalled: 0 }],
    [{ endpoint: 'ops', pending: 0, dead: 0, oldestSeconds: 0, isEnabled: true }],
  );
  return instruments;
}

describe('metrics', () => {
  it('exist at the start with every combination of known labels', async () => {
    const found = await samples(instrumentsAtStart());
    const zero = [
      ...['ok', 'throttled', 'unavailable', 'denied', 'rejected', 'missing', 'malformed'].map(
        (outcome) =>
          `api_requests_total{target="prod",operation="GetLifecycleExecution",outcome="${outcome}"}`,
      ),
      'api_request_duration_seconds_count{target="prod",operation="GetCallerIdentity"}',
      ...['at_learnt_rate', 'below_learnt_rate'].map(
        (cause) => `throttles_total{target="prod",cause="${cause}"}`,
      ),
      ...['created', 'existing', 'invalid'].map(
        (outcome) => `registrations_total{source="api",outcome="${outcome}"}`,
      ),
      ...['delivered', 'rejected', 'throttled', 'timeout', 'unreachable', 'refused'].map(
        (outcome) => `delivery_attempts_total{endpoint="ops",outcome="${outcome}"}`,
      ),
      ...['delivered', 'dead'].map((outcome) => `deliveries_total{endpoint="ops",outcome="${outcome}"}`),
      'delivery_duration_seconds_count{endpoint="ops"}',
      'events_total{type="execution.failed"}',
      'detection_lag_seconds_count{target="prod"}',
      ...['SUCCESS', 'FAILED', 'CANCELLED'].map(
        (status) => `execution_duration_seconds_count{target="prod",status="${status}"}`,
      ),
      ...['UNKNOWN', 'PENDING', 'IN_PROGRESS', 'CANCELLING', 'OTHER'].map(
        (status) => `tracked_executions{target="prod",status="${status}"}`,
      ),
      'budget_shortfall_ratio{target="prod"}',
      'poll_overdue_seconds{target="prod"}',
      'outbox_pending{endpoint="ops"}',
      'outbox_oldest_seconds{endpoint="ops"}',
      'outbox_dead{endpoint="ops"}',
    ];
    expect(zero.filter((name) => found.get(name) !== 0)).toEqual([]);
    const missingTarget = 'api_requests_total{target="prod",operation="GetCallerIdentity",outcome="missing"}';
    expect(found.has(missingTarget)).toBe(false);
    expect(found.get('build_info{version="1.2.3"}')).toBe(1);
    expect(found.get('request_rate_limit{target="prod"}')).toBe(2);
    expect(found.get('target_up{target="prod"}')).toBe(1);
    expect(found.get('endpoint_enabled{endpoint="ops"}')).toBe(1);
    expect([...found.keys()].filter((name) => name.startsWith('transitions_total'))).toEqual([]);
  });

  it('count a change once and replace a status that AWS does not document by OTHER', async () => {
    const instruments = instrumentsAtStart();
    let execution = anExecution();
    const see = (status: string, at: number, differing = {}) => {
      const change = transition(execution, TARGET, anObservation(status, at, differing));
      if (change === undefined) throw new Error('nothing changed');
      countNotices(instruments)({ kind: 'change_recorded', target: 'prod', change });
      execution = change.next;
    };
    see('REHEARSING', T0, { startTime: T0 - 1000 });
    see('REHEARSING', T0 + 5000, { startTime: T0 - 1000, reason: 'still at it' });
    see('FAILED', T0 + 10_000, { startTime: T0 - 1000, endTime: T0 + 9000 });
    const found = await samples(instruments);
    expect(found.get('transitions_total{target="prod",from="UNKNOWN",to="OTHER"}')).toBe(1);
    expect(found.get('transitions_total{target="prod",from="OTHER",to="FAILED"}')).toBe(1);
    expect(found.get('events_total{type="execution.unknown_status"}')).toBe(1);
    expect(found.get('execution_duration_seconds_sum{target="prod",status="FAILED"}')).toBe(10);
    expect(found.get('detection_lag_seconds_sum{target="prod"}')).toBeCloseTo(1.05);
  });

  it('drop the gauges of removed targets and endpoints; those that come back keep their counts', async () => {
    const instruments = createInstruments('1.2.3');
    const zero = createZeroing(instruments, ['GetLifecycleExecution']);
    const idle = {
      isUp: true,
      rate: { perSecond: 2 },
      shortfall: 0,
      overdueSeconds: 0,
      statuses: new Map(),
      stalled: 0,
    };
    const empty = { pending: 0, dead: 0, oldestSeconds: 0, isEnabled: true };
    const show = async (name: string, outboxes = [{ endpoint: name, ...empty }]) => {
      zero({ targets: [name], endpoints: [name] });
      setGauges(instruments, [{ target: name, ...idle }], outboxes);
      return samples(instruments);
    };
    await show('a');
    instruments.detectionLag.observe({ target: 'a' }, 3);
    instruments.deliveryDuration.observe({ endpoint: 'a' }, 3);
    const later = await show('b');
    const gauges = /^(tracked|stalled|target_up|request_rate|budget|poll_|outbox|endpoint_)/;
    const left = [...later.keys()].filter((name) => gauges.test(name) && name.includes('"a"'));
    expect(left).toEqual([]);
    expect(later.get('detection_lag_seconds_count{target="b"}')).toBe(0);
    expect(later.get('target_up{target="b"}')).toBe(1);

    zero({ targets: ['a'], endpoints: ['a'] });
    setGauges(instruments, [{ target: 'a', ...idle }], undefined);
    const back = await samples(instruments);
    expect(back.get('detection_lag_seconds_count{target="a"}')).toBe(1);
    expect(back.get('delivery_duration_seconds_count{endpoint="a"}')).toBe(1);
    expect(back.get('outbox_pending{endpoint="b"}')).toBe(0);
  });

  it('leave out the detection lag if the first look already finds the end', async () => {
    const instruments = instrumentsAtStart();
    const change = transition(anExecution(), TARGET, anObservation('SUCCESS', T0, { endTime: T0 - 1000 }));
    if (change !== undefined) countNotices(instruments)({ kind: 'change_recorded', target: 'prod', change });
    const found = await samples(instruments);
    expect(found.get('transitions_total{target="prod",from="UNKNOWN",to="SUCCESS"}')).toBe(1);
    expect(found.get('detection_lag_seconds_count{target="prod"}')).toBe(0);
  });
});
