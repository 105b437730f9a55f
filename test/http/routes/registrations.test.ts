import { setImmediate as nextRound } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, test, vi } from 'vitest';
import { parseCallbackRule } from '../../../src/domain/delivery/callback-rule.ts';
import { executionId } from '../../support/executions.ts';
import { registerEach } from '../../support/track.ts';
import { ADMIN_TOKEN, EAST, NOW, WEST, problemOf, startApi } from '../api.ts';
import type { Api } from '../api.ts';

const ID = executionId(1);
const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image/base/1.0.0/1';
/** Counts the stored executions. */
const storedIn = async ({ store }: Api) => (await store.reading.list({ limit: 2000 })).executions.length;
const manyLabels = (count: number, prefix = 'k') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'v']));

test('a first registration is stored and returned', async () => {
  await using api = await startApi();
  const response = await api.ask('POST', '/v1/executions', {
    lifecycleExecutionId: ID,
    target: 'east',
    labels: { team: 'platform', constructor: 'x' },
    expectedAt: '2026-11-23T08:00:00+01:00',
    giveUpAt: '2026-12-01T00:00:00.5Z',
    resourceArn: ARN,
  });
  expect(response.status).toBe(201);
  expect(response.headers.get('location')).toBe(`/v1/executions/${ID}?target=east`);
  expect(await response.json()).toEqual({
    lifecycleExecutionId: ID,
    target: { name: 'east', accountId: EAST.accountId, region: EAST.region },
    tracking: 'active',
    resourceArn: ARN,
    sequence: 0,
    labels: { team: 'platform', constructor: 'x' },
    source: 'api',
    registeredBy: 'operator',
    registeredAt: '2026-11-23T06:00:00.000Z',
    expectedAt: '2026-11-23T07:00:00.000Z',
    giveUpAt: '2026-12-01T00:00:00.500Z',
  });
  expect(api.parts.outcomes).toEqual(['created']);
  expect(api.parts.tracked).toMatchObject([{ lifecycleExecutionId: ID, region: EAST.region }]);
});

test('the id is kept verbatim', async () => {
  await using api = await startApi();
  const id = 'lce-ABCDEFab-0000-4000-8000-00000000000F';
  await api.ask('POST', '/v1/executions', { lifecycleExecutionId: id });
  expect(await (await api.ask('GET', `/v1/executions/${id}`)).json()).toMatchObject({
    lifecycleExecutionId: id,
  });
  expect((await api.ask('GET', `/v1/executions/${id.toLowerCase()}`)).status).toBe(404);
});

test('a second registration merges labels, sets unset members and names the ones it does not change', async () => {
  await using api = await startApi();
  const first = { lifecycleExecutionId: ID, labels: { a: '1', b: '1' }, resourceArn: ARN };
  await api.ask('POST', '/v1/executions', first);
  const same = await api.ask('POST', '/v1/executions', first);
  expect(same.status).toBe(200);
  expect(await same.json()).not.toHaveProperty('unchanged');

  const response = await api.ask('POST', '/v1/executions', {
    lifecycleExecutionId: ID,
    labels: { b: '2' },
    resourceArn: `${ARN}0`,
    expectedAt: '2026-11-24T00:00:00Z',
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    labels: { a: '1', b: '2' },
    resourceArn: ARN,
    expectedAt: '2026-11-24T00:00:00.000Z',
    unchanged: ['resourceArn'],
  });
  expect(api.parts.outcomes).toEqual(['created', 'existing', 'existing']);
});

test('a registration is refused if merging would give too many labels', async () => {
  await using api = await startApi();
  await api.ask('POST', '/v1/executions', { lifecycleExecutionId: ID, labels: manyLabels(32) });
  const response = await api.ask('POST', '/v1/executions', {
    lifecycleExecutionId: ID,
    labels: { another: '1' },
  });
  expect(await problemOf(response)).toMatchObject({
    status: 400,
    code: 'too_many_labels',
    paths: ['labels'],
  });
  expect(api.parts.outcomes).toEqual(['created', 'invalid']);
});

const withId = (rest: object) => ({ lifecycleExecutionId: ID, ...rest });

test.each<[string, unknown, string, string[]]>([
  ['no object', [], 'invalid_request', ['']],
  ['null', 'null', 'invalid_request', ['']],
  ['an empty body', '', 'invalid_request', ['']],
  ['a missing id', {}, 'invalid_request', ['lifecycleExecutionId']],
  ['an invalid id', { lifecycleExecutionId: `${ID}0` }, 'invalid_request', ['lifecycleExecutionId']],
  ['an unknown member', withId({ lables: {}, x: 1 }), 'invalid_request', ['lables', 'x']],
  [
    'an invalid label key',
    withId({ labels: { 'a b': 'x', ['k'.repeat(65)]: '' } }),
    'invalid_request',
    ['labels.a b', `labels.${'k'.repeat(65)}`],
  ],
  [
    'an invalid label value',
    withId({ labels: { a: 'x'.repeat(257), b: 1 } }),
    'invalid_request',
    ['labels.a', 'labels.b'],
  ],
  [
    'label values that are no text to other programs',
    withId({ labels: { a: '\ud800', b: 'x\udc00y', c: 'a\0b', d: '\udc00\ud800' } }),
    'invalid_request',
    ['labels.a', 'labels.b', 'labels.c', 'labels.d'],
  ],
  ['names that are no text', withId({ '\ud800': 1 }), 'invalid_request', ['\ufffd']],
  [
    'instants outside the years that answers can show',
    withId({ expectedAt: '9999-12-31T23:59:59-00:01', giveUpAt: '0000-01-01T00:00:00+00:01' }),
    'invalid_request',
    ['expectedAt', 'giveUpAt'],
  ],
  ['too many labels', withId({ labels: manyLabels(33) }), 'invalid_request', ['labels']],
  [
    'too many labels, one of them invalid',
    withId({ labels: { ...manyLabels(33), '%': '' } }),
    'invalid_request',
    ['labels', 'labels.%'],
  ],
  [
    'an instant without a UTC offset',
    withId({ expectedAt: '2026-11-24T00:00:00' }),
    'invalid_request',
    ['expectedAt'],
  ],
  ['a number instead of an instant', withId({ expectedAt: 1 }), 'invalid_request', ['expectedAt']],
  ['an impossible day', withId({ expectedAt: '2026-02-30T00:00:00Z' }), 'invalid_request', ['expectedAt']],
  [
    'giveUpAt in the past',
    withId({ giveUpAt: new Date(NOW).toISOString() }),
    'invalid_request',
    ['giveUpAt'],
  ],
  ['an invalid ARN', withId({ resourceArn: 'ami-123' }), 'invalid_request', ['resourceArn']],
  [
    'an ARN that is too long',
    withId({ resourceArn: `${ARN}/${'x'.repeat(1024)}` }),
    'invalid_request',
    ['resourceArn'],
  ],
  ['a target that is not text', withId({ target: 1 }), 'invalid_request', ['target']],
  [
    'a callback URL without configured callbacks',
    withId({ callbackUrl: 'https://a.example/' }),
    'callbacks_not_configured',
    ['callbackUrl'],
  ],
  [
    'everything at once',
    { lifecycleExecutionId: 1, callbackUrl: 'x', labels: 1, giveUpAt: '2020-01-01T00:00:00Z', more: 1 },
    'invalid_request',
    ['callbackUrl', 'giveUpAt', 'labels', 'lifecycleExecutionId', 'more'],
  ],
  ['broken JSON', '{', 'malformed_json', ['']],
  [
    'a key that would change a prototype',
    `{"lifecycleExecutionId":"${ID}","labels":{"__proto__":"x"}}`,
    'malformed_json',
    [''],
  ],
  [
    'a key that would change a constructor',
    `{"lifecycleExecutionId":"${executionId(1)}","constructor":{"prototype":{"x":1}}}`,
    'invalid_request',
    ['constructor'],
  ],
])('invalid input is refused with every fault listed: %s', async (_case, body, code, paths) => {
  await using api = await startApi();
  const problem = await problemOf(await api.ask('POST', '/v1/executions', body));
  expect(problem).toMatchObject({ type: 'application/problem+json', status: 400, code });
  expect(problem.paths ?? []).toEqual(paths);
  expect(await storedIn(api)).toBe(0);
  expect(Object.prototype).not.toHaveProperty('x');
});

describe('a callback URL', () => {
  const rule = parseCallbackRule('https://*.example.com/hooks/');
  if (!rule.ok) throw new Error(rule.message);
  const entries = [{ rule: rule.value, secrets: [] }];
  const GOOD = 'https://team.example.com/hooks/1?token=x';

  it('is stored verbatim if it is allowed, and does not change afterwards', async () => {
    await using api = await startApi();
    api.parts.callbackEntries = entries;
    const created = await api.ask('POST', '/v1/executions', withId({ callbackUrl: GOOD }));
    expect(created.status).toBe(201);
    expect(await created.json()).toMatchObject({ callbackUrl: GOOD });
    expect(api.parts.woken).toEqual(['https://team.example.com']);
    const other = await api.ask('POST', '/v1/executions', withId({ callbackUrl: `${GOOD}2` }));
    expect(other.status).toBe(200);
    expect(await other.json()).toMatchObject({ callbackUrl: GOOD, unchanged: ['callbackUrl'] });
  });

  it.each([
    'https://evil.example/hooks/1',
    'https://team.example.com/',
    'https://user:password@team.example.com/hooks/',
    'http://169.254.169.254/hooks/',
    '',
    1,
    null,
  ])('%j is refused, its place named, and the URL not repeated', async (callbackUrl) => {
    await using api = await startApi();
    api.parts.callbackEntries = entries;
    const response = await api.ask('POST', '/v1/executions', withId({ callbackUrl }));
    const text = await response.clone().text();
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      code: 'invalid_request',
      paths: ['callbackUrl'],
    });
    expect(text).not.toMatch(/evil|user:|169|team/);
    expect(await storedIn(api)).toBe(0);
  });
});

test('faults of body and query are listed together, and a valid body does not hide a fault of the query', async () => {
  await using api = await startApi();
  const both = await problemOf(await api.ask('POST', '/v1/executions?x=1', withId({ y: 1 })));
  expect(both).toMatchObject({ status: 400, paths: ['x', 'y'] });
  const query = await api.ask('POST', '/v1/executions?x=1', withId({ expectedAt: '2026-11-24T00:00:00Z' }));
  expect(await problemOf(query)).toMatchObject({ status: 400, paths: ['x'] });
  expect(api.parts.outcomes).toEqual(['invalid', 'invalid']);
});

test('a target must be configured, and must be named if there are several', async () => {
  await using api = await startApi();
  const unknown = await api.ask('POST', '/v1/executions', withId({ target: 'north' }));
  expect(await problemOf(unknown)).toMatchObject({ status: 404, code: 'unknown_target' });

  api.parts.targets = [EAST, WEST];
  const absent = await api.ask('POST', '/v1/executions', withId({}));
  expect(await problemOf(absent)).toMatchObject({ status: 400, code: 'target_required', paths: ['target'] });
  const named = await api.ask('POST', '/v1/executions', withId({ target: 'west' }));
  expect(named.status).toBe(201);
  expect(await named.json()).toMatchObject({ target: WEST });
  expect(api.parts.outcomes).toEqual(['invalid', 'invalid', 'created']);
});

test('a batch stores its valid registrations at once and answers in order', async () => {
  await using api = await startApi();
  await registerEach(api.store, EAST, [9], NOW, { labels: manyLabels(32) });
  const registering = vi.spyOn(api.store.intake, 'register');
  const response = await api.ask('POST', '/v1/executions/batch', {
    executions: [
      { lifecycleExecutionId: ID },
      { lifecycleExecutionId: 'nope', giveUpAt: '2020-01-01T00:00:00Z' },
      { lifecycleExecutionId: ID, labels: { a: '1' } },
      { lifecycleExecutionId: executionId(2), target: 'north' },
      'text',
      { lifecycleExecutionId: executionId(9), labels: { a: '1' } },
      { lifecycleExecutionId: executionId(3), callbackUrl: 'https://a.example/' },
      { lifecycleExecutionId: executionId(4) },
    ],
  });
  expect(response.status).toBe(200);
  const { results } = (await response.json()) as {
    results: {
      lifecycleExecutionId?: string;
      outcome: string;
      error?: { code: string; message: string; errors?: unknown[] };
    }[];
  };
  expect(results.map(({ lifecycleExecutionId: id, outcome, error }) => [id, outcome, error?.code])).toEqual([
    [ID, 'created', undefined],
    ['nope', 'invalid', 'invalid_request'],
    [ID, 'existing', undefined],
    [executionId(2), 'invalid', 'unknown_target'],
    [undefined, 'invalid', 'invalid_request'],
    [executionId(9), 'invalid', 'too_many_labels'],
    [executionId(3), 'invalid', 'callbacks_not_configured'],
    [executionId(4), 'created', undefined],
  ]);
  expect(results[1]?.error?.errors).toHaveLength(2);
  expect(registering).toHaveBeenCalledOnce();
  expect(api.parts.outcomes.toSorted()).toEqual(results.map(({ outcome }) => outcome).toSorted());
});

test('a batch without a valid registration does not use the store', async () => {
  await using api = await startApi();
  const registering = vi.spyOn(api.store.intake, 'register');
  const response = await api.ask('POST', '/v1/executions/batch', { executions: [{}] });
  expect(response.status).toBe(200);
  expect(registering).not.toHaveBeenCalled();
});

/** Returns `count` members whose names are single characters after the control characters. */
const manyMembers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [String.fromCharCode(0xa1 + index), 0]));

interface Refusal {
  readonly detail: string;
  readonly errors: readonly { readonly path: string }[];
}

test.each<[string, string, unknown]>([
  ['unknown members', '/v1/executions', withId(manyMembers(7000))],
  ['invalid labels', '/v1/executions', withId({ labels: manyMembers(7000) })],
  ['unknown members of a batch', '/v1/executions/batch', { executions: [{}], ...manyMembers(7000) }],
  [
    'unknown parameters',
    `/v1/executions?${Array.from({ length: 2000 }, (_, index) => `p${index}`).join('&')}`,
    withId({}),
  ],
])('only the first hundred of thousands of %s are listed', async (_case, path, body) => {
  await using api = await startApi();
  const response = await api.ask('POST', path, body);
  const text = await response.text();
  expect(response.status).toBe(400);
  expect(text.length).toBeLessThan(20_000);
  const { detail, errors } = JSON.parse(text) as Refusal;
  expect(new Set(errors.map((fault) => fault.path)).size).toBe(100);
  expect(detail).toBe('The request is invalid. Only the first 100 faults are listed.');
  expect(await storedIn(api)).toBe(0);
});

test('a hundred faults are all listed', async () => {
  await using api = await startApi();
  const response = await api.ask('POST', '/v1/executions', withId(manyMembers(100)));
  const { detail, errors } = (await response.json()) as Refusal;
  expect(errors.map(({ path }) => path)).toEqual(Object.keys(manyMembers(100)));
  expect(detail).toBe('The request is invalid.');
});

interface Refused {
  readonly outcome: string;
  readonly error?: { readonly message: string; readonly errors: readonly unknown[] };
}

test('in a batch full of faults every item lists some, and a valid item is stored', async () => {
  await using api = await startApi();
  const faulty = Array.from({ length: 999 }, () => manyMembers(200));
  const response = await api.ask('POST', '/v1/executions/batch', { executions: [...faulty, withId({})] });
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text.length).toBeLessThan(1_000_000);
  const { results } = JSON.parse(text) as { readonly results: readonly Refused[] };
  expect(results.map(({ error }) => error?.errors.length)).toEqual([
    100,
    ...Array.from({ length: 998 }, () => 10),
    undefined,
  ]);
  expect(results[1]?.error?.message).toContain('Only the first 10 faults are listed.');
  expect(results.at(-1)?.outcome).toBe('created');
  expect(await storedIn(api)).toBe(1);
});

test('validating a batch full of faults does not block other requests', async () => {
  await using api = await startApi();
  const giveUpAt = new Date(NOW + 1000).toISOString();
  const faulty = { labels: manyMembers(150), giveUpAt };
  /** The rounds of the event loop, and the rounds in which an item was validated. */
  let round = 0;
  const rounds = new Set<number>();
  vi.spyOn(api.parts.clock, 'now').mockImplementation(() => {
    rounds.add(round);
    return NOW;
  });
  const batch = api.ask('POST', '/v1/executions/batch', {
    executions: Array.from({ length: 1000 }, () => faulty),
  });
  const answered = new AbortController();
  void batch.finally(() => answered.abort());
  for (; !answered.signal.aborted; round += 1) await nextRound();
  expect((await batch).status).toBe(200);
  expect(rounds.size).toBeGreaterThan(2);
});

test.each<[string, unknown, string[]]>([
  ['empty', { executions: [] }, ['executions']],
  ['too long', { executions: Array.from({ length: 1001 }, () => ({})) }, ['executions']],
  ['absent', {}, ['executions']],
  ['a list', [], ['']],
  ['with an unknown member', { executions: [{}], dryRun: true }, ['dryRun']],
])('a batch is refused: %s', async (_case, body, paths) => {
  await using api = await startApi();
  expect(await problemOf(await api.ask('POST', '/v1/executions/batch', body))).toMatchObject({
    status: 400,
    code: 'invalid_request',
    paths,
  });
});

test('a batch of a thousand registrations with all labels fits', async () => {
  await using api = await startApi();
  const labels = { team: 'x'.repeat(256), app: 'y'.repeat(256), stage: 'z'.repeat(256) };
  const executions = Array.from({ length: 1000 }, (_, index) => ({
    lifecycleExecutionId: executionId(index),
    labels,
  }));
  const response = await api.ask('POST', '/v1/executions/batch', { executions });
  expect(response.status).toBe(200);
  expect(await storedIn(api)).toBe(1000);
});

test('bodies must be JSON and not too large', async () => {
  await using api = await startApi();
  const tooLarge = 'x'.repeat(64 * 1024);
  expect(await problemOf(await api.ask('POST', '/v1/executions', withId({ tooLarge })))).toMatchObject({
    status: 413,
    code: 'body_too_large',
  });
  const batch = { executions: [{ labels: { a: 'x'.repeat(2 * 1024 * 1024) } }] };
  expect(await problemOf(await api.ask('POST', '/v1/executions/batch', batch))).toMatchObject({
    status: 413,
  });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
    const response = await fetch(`${api.url}/v1/executions`, {
      method: 'POST',
      headers: { 'content-type': type, authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify(withId({})),
    });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  }
});

test.each(['gzip', 'br', 'gzip, identity', 'nonsense'])(
  'a body in the coding %s is refused',
  async (coding) => {
    await using api = await startApi();
    const body = gzipSync(JSON.stringify(withId({})));
    const post = (token: string, path: string) =>
      fetch(api.url + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-encoding': coding,
          authorization: `Bearer ${token}`,
        },
        body,
      });
    for (const path of ['/v1/executions', '/v1/executions/batch', '/v1/endpoints/ops/test']) {
      const response = await post(ADMIN_TOKEN, path);
      expect(response.headers.get('accept-encoding')).toBe('identity');
      expect(await problemOf(response)).toMatchObject({ status: 415, code: 'unsupported_content_coding' });
    }
    expect((await post('wrong-token-0123456789', '/v1/executions')).status).toBe(401);
  },
);

test('a body that is not UTF-8 is malformed, and the coding identity is none', async () => {
  await using api = await startApi();
  const post = (body: Uint8Array<ArrayBuffer>) =>
    fetch(`${api.url}/v1/executions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'identity',
        authorization: `Bearer ${ADMIN_TOKEN}`,
      },
      body,
    });
  const good = new TextEncoder().encode(JSON.stringify(withId({ labels: { team: 'é' } })));
  const bad = good.map((byte) => (byte === 0xc3 ? 0xff : byte));
  expect(await problemOf(await post(bad))).toMatchObject({
    status: 400,
    code: 'malformed_json',
    paths: [''],
  });
  expect((await post(good)).status).toBe(201);
});

test('the length of a label value is counted in characters', async () => {
  await using api = await startApi();
  const register = async (value: string) =>
    (await api.ask('POST', '/v1/executions', withId({ labels: { team: value } }))).status;
  expect(await register('\u{1f600}'.repeat(256))).toBe(201);
  expect(await register('\u{1f600}'.repeat(257))).toBe(400);
  expect(await register('x'.repeat(256))).toBe(200);
});

test('an invalid id in a batch is answered as text that every program can read', async () => {
  await using api = await startApi();
  const response = await api.ask('POST', '/v1/executions/batch', {
    executions: [{ lifecycleExecutionId: 'lce-\ud800' }, withId({})],
  });
  expect(await response.json()).toMatchObject({
    results: [{ lifecycleExecutionId: 'lce-\ufffd', outcome: 'invalid' }, { outcome: 'created' }],
  });
});

test('the size limit also applies to a body without a length', async () => {
  await using api = await startApi();
  const chunk = new TextEncoder().encode(' '.repeat(16 * 1024));
  const response = await fetch(`${api.url}/v1/executions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
    body: ReadableStream.from(Array.from({ length: 8 }, () => chunk)),
    duplex: 'half',
  });
  expect(await problemOf(response)).toMatchObject({ status: 413, code: 'body_too_large' });
});
