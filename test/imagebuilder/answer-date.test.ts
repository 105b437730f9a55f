import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAws } from '../../src/imagebuilder/aws.ts';
import type { Gateway } from '../../src/imagebuilder/gateway.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { KEYS, reply, startRawAws, withAwsEnvironment } from './raw-aws.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 7, 890);
const WHOLE_SECOND = Date.UTC(2026, 10, 23, 6, 0, 7);
const YEAR_MS = 365 * 86_400_000;
const POLICY = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/nightly';

let restore: () => void;
const stack: AsyncDisposable[] = [];
beforeEach(() => (restore = withAwsEnvironment(KEYS)));
afterEach(async () => {
  for (const resource of stack.splice(0).reverse()) await resource[Symbol.asyncDispose]();
  restore();
});

function gatewayTo(endpoint: string): Gateway {
  const aws = createAws({ clock: systemClock, random: Math.random });
  const gateway = aws.gatewayTo({ region: 'us-east-1', endpoint }, { timeoutMs: 2000 });
  stack.push({
    [Symbol.asyncDispose]() {
      gateway.close();
      return Promise.resolve();
    },
  });
  return gateway;
}

async function simulated() {
  const simulator = await startSimulator({ now: () => NOW });
  stack.push(simulator);
  const id = simulator.start({ timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }] });
  const gateway = gatewayTo(simulator.url);
  const callEach = async () => [
    await gateway.getExecution(id),
    await gateway.getExecution('lce-00000000-0000-4000-8000-00000000000f'),
    await gateway.listPolicies({}),
    await gateway.listExecutions({ policyArn: POLICY }),
    await gateway.listResources({ lifecycleExecutionId: id }),
    await gateway.getAccountId(),
  ];
  return { simulator, id, gateway, callEach };
}

const datesOf = (results: readonly { readonly answerDate?: number }[]) =>
  results.map(({ answerDate }) => answerDate);

describe('the time on the clock of AWS', () => {
  it('comes with every answer of Image Builder and STS', async () => {
    const { callEach } = await simulated();
    const results = await callEach();
    expect(results.map(({ outcome }) => outcome)).toEqual(['ok', 'missing', 'ok', 'ok', 'ok', 'ok']);
    expect(datesOf(results)).toEqual(results.map(() => WHOLE_SECOND));
  });

  it.each([
    'access-denied',
    'expired-credentials',
    'throttled',
    'service-exception',
    'bad-gateway',
    'html-200',
  ] as const)('comes with refusals and failures of AWS, too: %s', async (name) => {
    const { simulator, callEach } = await simulated();
    simulator.addFault({ name });
    const results = await callEach();
    expect(results.some(({ outcome }) => outcome === 'ok')).toBe(false);
    expect(datesOf(results)).toEqual(results.map(() => WHOLE_SECOND));
  });

  it('is as far ahead or behind as the clock of AWS, and absent if AWS does not send it', async () => {
    const { simulator, callEach } = await simulated();
    for (const dateShiftMs of [YEAR_MS, -YEAR_MS]) {
      simulator.choose({ dateShiftMs });
      expect(new Set(datesOf(await callEach()))).toEqual(new Set([WHOLE_SECOND + dateShiftMs]));
    }
    simulator.choose({ dateHeader: 'omitted' });
    for (const result of await callEach()) expect(result).not.toHaveProperty('answerDate');
    simulator.addFault({ name: 'access-denied' });
    for (const result of await callEach()) expect(result).not.toHaveProperty('answerDate');
  });

  it('is absent if there was no answer', async () => {
    const { simulator, gateway, id } = await simulated();
    for (const name of ['reset', 'hang', 'garbage'] as const) {
      simulator.addFault({ name, count: 1 });
      expect(await gateway.getExecution(id)).not.toHaveProperty('answerDate');
    }
  });

  it.each([
    ['Mon, 23 Nov 2026 06:00:07 GMT', WHOLE_SECOND],
    ['Tue, 23 Nov 2026 06:00:07 GMT', undefined],
    ['Mon, 31 Feb 2026 06:00:07 GMT', undefined],
    ['Monday, 23-Nov-26 06:00:07 GMT', undefined],
    ['Mon Nov 23 06:00:07 2026', undefined],
    ['2026-11-23T06:00:07Z', undefined],
    ['1795413607', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('is read only in the form that RFC 9110 prescribes: %s', async (date, expected) => {
    const aws = await startRawAws();
    stack.push({ [Symbol.asyncDispose]: () => aws.close() });
    aws.answers(reply(404, {}, { date }));
    const { answerDate } = await gatewayTo(aws.url).getExecution(POLICY);
    expect(answerDate).toBe(expected);
  });
});
