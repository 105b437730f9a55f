import { expect, test } from 'vitest';
import { recordLook, registerEach, track } from '../../support/track.ts';
import { executionId } from '../../support/executions.ts';
import { ADMIN_TOKEN, EAST, NOW, WEST, problemOf, startApi } from '../api.ts';
import type { Api } from '../api.ts';

const POLICY = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/golden';

interface Page {
  readonly executions: readonly { readonly lifecycleExecutionId: string }[];
  readonly nextCursor: string | null;
}

async function page(api: Api, query: string): Promise<Page> {
  const response = await api.ask('GET', `/v1/executions${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

const numbers = ({ executions }: Page) =>
  executions.map(({ lifecycleExecutionId }) => Number(lifecycleExecutionId.slice(-4)));

test('pages go from the newest registration to the oldest', async () => {
  await using api = await startApi();
  await registerEach(api.store, EAST, [1, 2, 3, 4, 5], NOW);
  const first = await page(api, '?limit=2');
  expect(numbers(first)).toEqual([5, 4]);
  const second = await page(api, `?limit=2&cursor=${first.nextCursor ?? ''}`);
  expect(numbers(second)).toEqual([3, 2]);
  await registerEach(api.store, EAST, [6], NOW);
  const third = await page(api, `?limit=2&cursor=${second.nextCursor ?? ''}`);
  expect(numbers(third)).toEqual([1]);
  expect(third.nextCursor).toBeNull();
});

test('a page has a hundred executions by default', async () => {
  await using api = await startApi();
  await registerEach(
    api.store,
    EAST,
    Array.from({ length: 1001 }, (_, index) => index),
    NOW,
  );
  expect((await page(api, '')).executions).toHaveLength(100);
  expect((await page(api, '?limit=1000')).executions).toHaveLength(1000);
});

test.each([
  ['?tracking=finished', [2]],
  ['?status=FAILED', [2]],
  ['?target=west', [3]],
  ['?target=123456789012/us-east-1', [2, 1]],
  [`?policyArn=${POLICY}`, [2]],
  ['?label.team=platform', [3, 1]],
  ['?label.team=platform&label.app=web', [3]],
  ['?label.constructor=x', []],
  ['?tracking=active&target=east&label.team=platform', [1]],
  ['?status=NOBODY_KNOWS', []],
])('an execution must match all filters: %s', async (query, expected) => {
  await using api = await startApi();
  api.parts.targets = [EAST, WEST];
  await track(api.store, EAST, 1, [], NOW, { labels: { team: 'platform' } });
  const second = await track(api.store, EAST, 2, [], NOW);
  await recordLook(api.store, EAST, second, 'FAILED', NOW, { lifecyclePolicyArn: POLICY });
  await track(api.store, WEST, 3, [], NOW, { labels: { team: 'platform', app: 'web' } });
  expect(numbers(await page(api, query))).toEqual(expected);
});

const feedCursor = Buffer.from('["events/1","epoch-1",0]').toString('base64url');
const wrongCursor = Buffer.from('["executions/1",-1]').toString('base64url');

test.each([
  ['?limit=0', 'invalid_request', ['limit']],
  ['?limit=1001', 'invalid_request', ['limit']],
  ['?limit=ten', 'invalid_request', ['limit']],
  ['?limit=1.5', 'invalid_request', ['limit']],
  ['?limit=', 'invalid_request', ['limit']],
  ['?limit=5&limit=6', 'invalid_request', ['limit']],
  ['?tracking=lost', 'invalid_request', ['tracking']],
  ['?status=', 'invalid_request', ['status']],
  ['?status=failed', 'invalid_request', ['status']],
  ['?policyArn=golden', 'invalid_request', ['policyArn']],
  ['?label.a=%00', 'invalid_request', ['label.a']],
  ['?trackin=active&offset=3', 'invalid_request', ['offset', 'trackin']],
  ['?label.=x', 'invalid_request', ['label.']],
  ['?label=x', 'invalid_request', ['label']],
  ['?label.a=1&label.a=2', 'invalid_request', ['label.a']],
  [`?label.a=${'x'.repeat(257)}`, 'invalid_request', ['label.a']],
  [
    `?${Array.from({ length: 33 }, (_, index) => `label.k${index}=v`).join('&')}`,
    'invalid_request',
    ['label'],
  ],
  ['?cursor=garbage', 'invalid_cursor', ['cursor']],
  ['?cursor=', 'invalid_cursor', ['cursor']],
  [`?cursor=${feedCursor}`, 'invalid_cursor', ['cursor']],
  [`?cursor=${wrongCursor}`, 'invalid_cursor', ['cursor']],
  ['?cursor=x&limit=0&x=1', 'invalid_request', ['cursor', 'limit', 'x']],
  ['?label.__proto__=x', 'invalid_request', ['label.__proto__']],
  ['?__proto__=1', 'invalid_request', ['__proto__']],
])('an invalid query is refused with every fault listed: %s', async (query, code, paths) => {
  await using api = await startApi();
  expect(await problemOf(await api.ask('GET', `/v1/executions${query}`))).toMatchObject({
    status: 400,
    code,
    paths,
  });
});

test.each([
  ['?target=north', ['target']],
  ['?target=', ['target']],
  ['?target=123456789012/eu-north-1', ['target']],
  ['?target=north&limit=0&x=1', ['limit', 'target', 'x']],
])('a filter for a target that is neither configured nor in any row is a fault: %s', async (query, paths) => {
  await using api = await startApi();
  expect(await problemOf(await api.ask('GET', `/v1/executions${query}`))).toMatchObject({
    status: 400,
    code: 'invalid_request',
    paths,
  });
});

test('executions of a target can be listed as long as it is configured or has any row', async () => {
  await using api = await startApi();
  api.parts.targets = [EAST, WEST];
  const removed = await track(api.store, WEST, 1, [], NOW);
  expect(numbers(await page(api, '?target=west&limit=1'))).toEqual([1]);
  expect(numbers(await page(api, '?target=east'))).toEqual([]);
  api.parts.targets = [EAST];
  expect((await api.ask('GET', '/v1/executions?target=west')).status).toBe(400);
  expect(numbers(await page(api, '?target=123456789012/eu-west-1'))).toEqual([1]);
  await api.store.intake.remove(removed, NOW);
  expect(numbers(await page(api, '?target=123456789012/eu-west-1'))).toEqual([]);
});

test('a slash at the end of a path changes nothing', async () => {
  await using api = await startApi();
  await track(api.store, EAST, 1, [], NOW);
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await fetch(`${api.url}/v1/executions/?limit=1`, { headers });
  expect(numbers((await answer.json()) as Page)).toEqual([1]);
  const one = await fetch(`${api.url}/v1/executions/${executionId(1)}/`, { headers });
  expect(await one.json()).toMatchObject({ lifecycleExecutionId: executionId(1) });
});
