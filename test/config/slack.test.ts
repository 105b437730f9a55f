import { expect, test } from 'vitest';
import { effectiveYaml } from '../../src/config/effective.ts';
import { ENV, faultsOf, MINIMAL, parsed, withEndpoint } from './texts.ts';

const HOOK = 'https://hooks.slack.com/services/T0/B0/hidden';
const withSlack = (...lines: readonly string[]) =>
  `${MINIMAL}endpoints:\n  - name: people\n    format: slack\n${lines.map((line) => `    ${line}\n`).join('')}`;
const secret = '{ env: NAME } or { file: PATH }';

test('a Slack endpoint needs only a URL, kept as a secret', async () => {
  const config = await parsed(withSlack('url: { env: SLACK_HOOK }'), { ...ENV, SLACK_HOOK: HOOK });
  expect(config.endpoints[0]).toMatchObject({ format: 'slack', secrets: [], urlHost: 'hooks.slack.com' });
  expect(config.endpoints[0]?.url.reveal()).toBe(HOOK);
  expect(effectiveYaml(config) + JSON.stringify(config)).not.toMatch(/hidden|services/);
});

test('a Slack endpoint is sent one message per second by default, and another 50 requests', async () => {
  const slack = withSlack('url: { env: SLACK_HOOK }');
  const rateOf = async (text: string) =>
    (await parsed(text, { ...ENV, SLACK_HOOK: HOOK })).endpoints[0]?.requestsPerSecond;
  expect(await rateOf(slack)).toBe(1);
  expect(await rateOf(`${slack}    requestsPerSecond: 2\n`)).toBe(2);
  expect(await rateOf(withEndpoint())).toBe(50);
});

test('the URL of a Slack endpoint must not be in the file, and the fault does not repeat it', async () => {
  const faults = await faultsOf(withSlack(`url: ${HOOK}`));
  expect(faults).toEqual([`9: endpoints[0].url: the URL of a Slack webhook is a secret: give ${secret}`]);
});

test('secrets are required for every format but slack, which uses none', async () => {
  expect(await faultsOf(withEndpoint().replace(/ +secrets: .*\n/, ''))).toEqual([
    '7: endpoints[0].secrets: is missing: it must be a list',
  ]);
  const both = withSlack('url: { env: SLACK_HOOK }', 'secrets: [{ env: WEBHOOK_SECRET }]');
  expect(await faultsOf(both, { ...ENV, SLACK_HOOK: HOOK })).toEqual([
    '10: endpoints[0].secrets: is not used with format slack, because Slack verifies no signatures',
  ]);
  expect(await faultsOf(withEndpoint('format: slak'))).toEqual([
    '10: endpoints[0].format: must be one of cloudevents, slack',
  ]);
});
