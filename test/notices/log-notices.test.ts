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
  attempts: 8,
  outcome: 'rejected',
  httpStatus: 500,
} as const;

it('logs a delivery that is given up at level info and any other attempt at level debug', () => {
  const { log, publish } = logged();
  publish({ ...SETTLED, state: 'pending' });
  expect(log.info).not.toHaveBeenCalled();
  publish({ ...SETTLED, state: 'dead' });
  expect(log.debug).toHaveBeenCalledOnce();
  const { kind: _, ...fields } = SETTLED;
  expect(log.info).toHaveBeenCalledExactlyOnceWith({ ...fields, state: 'dead' }, 'delivery');
});

it('does not log notices that only metrics count', () => {
  const { log, publish } = logged();
  publish({ kind: 'throttled', target: 'prod', cause: 'at_learnt_rate' });
  publish({ kind: 'registered', source: 'api', outcome: 'created' });
  publish({ kind: 'attempt_ended', endpoint: 'ops', outcome: 'timeout', durationSeconds: 15 });
  for (const level of Object.values(log)) expect(level).not.toHaveBeenCalled();
});
