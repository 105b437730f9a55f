import { expect, test } from 'vitest';
import { resendCommand } from '../../src/commands/resend.ts';
import { ADMIN_TOKEN, READ_TOKEN, startApi } from '../http/api.ts';
import { recordFailure, settleNext } from '../support/record-final.ts';
import { runCommand } from '../support/run-command.ts';

const AT = Date.UTC(2026, 10, 23, 6);
const text = (at: number) => new Date(at).toISOString();

test('resends one delivery, or a time range that includes its start and excludes its end', async () => {
  await using api = await startApi();
  const { store } = api;
  // Each event is recorded 50 ms later.
  for (const number of [1, 2, 3, 4]) {
    await recordFailure(store, number, ['ops'], AT + number * 1000 - 50);
    await settleNext(store, 'ops', AT + 10_000, { state: number === 4 ? 'delivered' : 'dead' });
  }
  const resend = (...args: readonly string[]) =>
    runCommand(resendCommand(), ['--url', api.url, '--token', ADMIN_TOKEN, ...args]);
  const range = ['--endpoint', 'ops', '--since', text(AT + 1000)];
  expect(await resend(...range, '--until', text(AT + 2000))).toEqual({
    code: 0,
    stdout: '1 delivery will be resent\n',
    stderr: '',
  });
  expect((await resend(...range)).stdout).toBe('2 deliveries will be resent\n');
  expect((await resend(...range, '--state', 'delivered')).stdout).toBe('1 delivery will be resent\n');
  const { deliveries } = await store.reading.listDeliveries({ state: 'pending', limit: 9 });
  expect(deliveries).toHaveLength(4);

  const [first] = deliveries;
  expect(await resend(String(first?.id))).toMatchObject({
    code: 0,
    stdout: `delivery ${first?.id} will be resent\n`,
  });
  await store.outbox.claim('ops', 4, Number.MAX_SAFE_INTEGER);
  expect((await resend(String(first?.id))).stdout).toMatch(/is being sent right now/);
  expect(await resend('4711')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('unknown_delivery') as string,
  });
  expect(await resend('--endpoint', 'n/a', '--since', text(AT))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('unknown_endpoint') as string,
  });
  expect(await resend(...range, '--until', text(AT))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('\n  until: must be after since\n') as string,
  });
  expect(await resend('1', '--token', READ_TOKEN)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('scope admin is needed') as string,
  });
});

test.each([
  [[]],
  [['--endpoint', 'ops']],
  [['--since', text(AT)]],
  [['4711', '--endpoint', 'ops', '--since', text(AT)]],
  [['4711', '--state', 'dead']],
  [['lce-1']],
  [['--endpoint', 'ops', '--since', 'yesterday']],
  [['--endpoint', 'ops', '--since', '2026-11-23']],
  [['--endpoint', 'ops', '--since', '9999-12-31T23:59:59-00:01']],
  [['--endpoint', 'ops', '--since', text(AT), '--state', 'pending']],
])('%j is wrong usage', async (args) => {
  expect(await runCommand(resendCommand(), args)).toMatchObject({ code: 2, stdout: '' });
});
