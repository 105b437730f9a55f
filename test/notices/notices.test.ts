import { expect, it, vi } from 'vitest';
import { createNotices } from '../../src/notices/notices.ts';
import type { Notice } from '../../src/notices/notices.ts';

const NOTICE: Notice = { kind: 'throttled', target: 'prod', cause: 'at_learnt_rate' };

it('logs the error of a subscriber that throws and still calls the other subscribers', () => {
  const log = { error: vi.fn() };
  const last = vi.fn();
  const broken = () => {
    throw new Error('no space');
  };
  createNotices([broken, last], log).publish(NOTICE);
  expect(last).toHaveBeenCalledExactlyOnceWith(NOTICE);
  expect(log.error).toHaveBeenCalledExactlyOnceWith(
    { notice: 'throttled', error: 'Error: no space' },
    expect.any(String),
  );
});
