import { expect, it, vi } from 'vitest';
import { logNotices } from '../../src/notices/log-notices.ts';

function logged() {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  return { log, publish: logNotices(log) };
}

const SETTLED = {
  kind: 'delivery_settled',
  endpoint: 'ops',
  deliveryId: 7,
  eventId: 'event 1',
  outcome: 'rejected',
  httpStatus: 500,
} as const;

it('warns of each dead delivery, and logs any other attempt at level debug', () => {
  const { log, publish } = logged();
  publish({ ...SETTLED, state: 'pending' });
  expect(log.warn).not.toHaveBeenCalled();
  publish({ ...SETTLED, state: 'dead' });
  expect(log.debug).toHaveBeenCalledOnce();
  const { kind: _, ...fields } = SETTLED;
  expect(log.warn).toHaveBeenCalledExactlyOnceWith({ ...fields, state: 'dead' }, 'a delivery is dead');
});

const SINCE = Date.UTC(2026, 10, 23, 6);
const HEALTH = {
  kind: 'lane_health_changed',
  lane: 'ops',
  endpoint: 'ops',
  attempt: { at: SINCE, outcome: 'throttled', httpStatus: 429, durationSeconds: 0.1 },
} as const;

it('warns when an endpoint begins to fail, with the reason', () => {
  const { log, publish } = logged();
  const after = { failingSince: SINCE, quietSince: SINCE, stop: { until: SINCE + 30_000, inARow: 1 } };
  publish({ ...HEALTH, change: 'failing', before: {}, after });
  expect(log.warn).toHaveBeenCalledExactlyOnceWith(
    {
      ...{ endpoint: 'ops', outcome: 'throttled', httpStatus: 429 },
      stoppedUntil: '2026-11-23T06:00:30.000Z',
    },
    'endpoint begins to fail',
  );
});

it('reports when an endpoint recovers, with the origin if it is one of callbacks', () => {
  const { log, publish } = logged();
  const lane = 'https://hooks.example';
  publish({
    ...{ ...HEALTH, lane, endpoint: 'callback', change: 'recovered' },
    ...{ before: { failingSince: SINCE }, after: {} },
  });
  expect(log.info).toHaveBeenCalledExactlyOnceWith(
    { endpoint: 'callback', origin: lane, failingSince: '2026-11-23T06:00:00.000Z' },
    'endpoint recovered',
  );
});

it('warns when an endpoint is disabled', () => {
  const { log, publish } = logged();
  const after = { failingSince: SINCE, disabledReason: 'gone' } as const;
  publish({
    ...{ ...HEALTH, change: 'disabled', before: {}, after },
    attempt: { ...HEALTH.attempt, outcome: 'rejected', httpStatus: 410 },
  });
  const reason = { outcome: 'rejected', httpStatus: 410 };
  expect(log.warn).toHaveBeenCalledExactlyOnceWith(
    { endpoint: 'ops', disabledReason: 'gone', failingSince: '2026-11-23T06:00:00.000Z', ...reason },
    'endpoint is disabled; its deliveries wait until it is enabled',
  );
});

it('does not log notices that only metrics count', () => {
  const { log, publish } = logged();
  publish({ kind: 'throttled', target: 'prod', cause: 'at_learnt_rate' });
  publish({ kind: 'registered', source: 'api', outcome: 'created' });
  publish({ kind: 'attempt_ended', endpoint: 'ops', outcome: 'timeout', durationSeconds: 15 });
  for (const level of Object.values(log)) expect(level).not.toHaveBeenCalled();
});
