import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sessionName } from '../../src/imagebuilder/assume-role.ts';
import { createAws } from '../../src/imagebuilder/aws.ts';
import type { AwsParts } from '../../src/imagebuilder/aws.ts';
import type { AwsIdentity } from '../../src/imagebuilder/aws-credentials.ts';
import type { Gateway } from '../../src/imagebuilder/gateway.ts';
import { isTransient } from '../../src/domain/call/outcome.ts';
import type { CallFailure } from '../../src/domain/call/outcome.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { KEYS, reply, startRawAws, withAwsEnvironment } from './raw-aws.ts';
import type { Answering } from './raw-aws.ts';

const ID = 'lce-01234567-89ab-4cde-8f01-23456789abcd';
const OTHER_ID = 'lce-11111111-1111-4111-8111-111111111111';
const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/nightly';
const FULL = {
  lifecycleExecutionId: ID,
  lifecyclePolicyArn: ARN,
  resourcesImpactedSummary: { hasImpactedResources: true },
  state: { status: 'FAILED', reason: 'two of three images are in use' },
  startTime: 1788990149.801,
  endTime: 1788990160,
};
const HTML = '<html><body><h1>502 Bad Gateway</h1></body></html>';

let aws: Awaited<ReturnType<typeof startRawAws>>;
let restore: () => void;
const gateways: Gateway[] = [];

function gatewayTo(
  target: Partial<AwsIdentity> = {},
  timeoutMs = 5000,
  options: Partial<AwsParts> = {},
): Gateway {
  const shared = createAws({ clock: systemClock, random: Math.random, ...options });
  const gateway = shared.gatewayTo({ region: 'us-east-1', endpoint: aws.url, ...target }, { timeoutMs });
  gateways.push(gateway);
  return gateway;
}

async function failureOf(answer: Answering, timeoutMs = 5000): Promise<CallFailure> {
  aws.answers(answer);
  const result = await gatewayTo({}, timeoutMs).getExecution(ID);
  if (result.outcome === 'ok') throw new Error('the call succeeded');
  return result;
}

beforeAll(async () => {
  restore = withAwsEnvironment(KEYS);
  aws = await startRawAws();
});
afterEach(() => {
  for (const gateway of gateways.splice(0)) gateway.close();
});
afterAll(async () => {
  restore();
  await aws.close();
});

describe('reading an execution from AWS', () => {
  it('returns it as AWS reports it, with the times of request and response on both clocks', async () => {
    aws.answers(reply(200, { lifecycleExecution: FULL }));
    const before = { wall: Date.now(), tick: performance.now() };
    const result = await gatewayTo().getExecution(ID);
    expect(result).toMatchObject({
      outcome: 'ok',
      value: {
        status: 'FAILED',
        reason: 'two of three images are in use',
        lifecyclePolicyArn: ARN,
        hasImpactedResources: true,
        startTime: 1788990149801,
        endTime: 1788990160000,
      },
    });
    if (result.outcome !== 'ok') return;
    expect(result.value.sentAt).toBeGreaterThanOrEqual(before.wall);
    expect(result.value.answeredAt).toBeGreaterThanOrEqual(result.value.sentAt);
    expect(result.value.answeredAt).toBeLessThanOrEqual(Date.now());
    expect(result.value.sentTick).toBeGreaterThanOrEqual(before.tick);
    expect(result.value.answeredTick).toBeGreaterThan(result.value.sentTick);
    expect(aws.requests).toMatchObject([
      { method: 'GET', url: `/GetLifecycleExecution?lifecycleExecutionId=${ID}` },
    ]);
  });

  it('leaves out members that AWS does not return', async () => {
    aws.answers(reply(200, { lifecycleExecution: { state: { status: 'IN_PROGRESS' } } }));
    const result = await gatewayTo().getExecution(ID);
    expect(result.outcome === 'ok' && Object.keys(result.value).sort()).toEqual(
      ['answeredAt', 'answeredTick', 'sentAt', 'sentTick', 'status'].sort(),
    );
  });

  it.each([
    ['a lone surrogate', 'in use \\ud83d by app', 'in use \uFFFD by app'],
    ['NUL', 'in use\\u0000', 'in use\uFFFD'],
    ['a whole pair of surrogates', 'in use \\ud83d\\ude00', 'in use \u{1F600}'],
  ])('replaces text that is not well-formed: %s', async (_case, sent, expected) => {
    const lifecycleExecution = `{"state": {"status": "${sent}", "reason": "${sent}"}, "lifecyclePolicyArn": "${sent}"}`;
    aws.answers(reply(200, `{"lifecycleExecution": ${lifecycleExecution}}`));
    expect(await gatewayTo().getExecution(ID)).toMatchObject({
      value: { status: expected, reason: expected, lifecyclePolicyArn: expected },
    });
    aws.answers(reply(403, `{"message": "${sent}"}`, { 'x-amzn-errortype': 'AccessDeniedException' }));
    const { message } = (await gatewayTo().getExecution(ID)) as CallFailure;
    expect(message).toBe(`AccessDeniedException, HTTP 403: ${expected}`);
  });

  it('cuts no character of a long message in half', async () => {
    const answer = reply(403, { message: '\u{1F600}'.repeat(300) });
    for (const padding of ['', 'x']) {
      const failure = await failureOf((request, response) => {
        response.setHeader('x-amzn-errortype', `AccessDenied${padding}`);
        answer(request, response);
      });
      expect(failure.message.isWellFormed()).toBe(true);
    }
  });

  it.each([253_402_300_800, 1_788_990_149_801, -62_167_219_201])(
    'takes an instant that no year of four digits has as unknown: %d s',
    async (seconds) => {
      const lifecycleExecution = { ...FULL, startTime: seconds, endTime: 253_402_300_799.999 };
      aws.answers(reply(200, { lifecycleExecution }));
      const result = await gatewayTo().getExecution(ID);
      expect(result).toMatchObject({ value: { status: 'FAILED', endTime: 253_402_300_799_999 } });
      expect(result.outcome === 'ok' && result.value).not.toHaveProperty('startTime');
    },
  );

  it.each([ID.toUpperCase().replace('LCE', 'lce'), ID])('accepts a response with the ID %s', async (id) => {
    aws.answers(reply(200, { lifecycleExecution: { ...FULL, lifecycleExecutionId: id } }));
    expect((await gatewayTo().getExecution(ID)).outcome).toBe('ok');
  });

  it('passes on a status that AWS does not document', async () => {
    aws.answers(reply(200, { lifecycleExecution: { ...FULL, state: { status: 'HIBERNATING' } } }));
    expect(await gatewayTo().getExecution(ID)).toMatchObject({ value: { status: 'HIBERNATING' } });
  });

  const errorType = (name: string) => ({ 'x-amzn-errortype': name });
  it.each<[string, Answering, string]>([
    [
      '429 as modelled',
      reply(429, { message: 'slow' }, errorType('CallRateLimitExceededException')),
      'throttled',
    ],
    ['429 without a name', reply(429, ''), 'throttled'],
    ['429 with a page', reply(429, HTML, { 'content-type': 'text/html' }), 'throttled'],
    ['500 with a long text', reply(500, { message: 'a long\nstory '.repeat(200) }), 'unavailable'],
    [
      '400 with suffix',
      reply(400, {}, errorType('ThrottlingException:http://internal.amazon.com/')),
      'throttled',
    ],
    ['400 with namespace', reply(400, { __type: 'com.amazon.coral#ThrottlingException' }), 'throttled'],
    ['400 with code', reply(400, { code: 'RequestLimitExceeded' }), 'throttled'],
    ['403 with a throttling name', reply(403, { __type: 'TooManyRequestsException' }), 'throttled'],
    ['503 SlowDown', reply(503, {}, errorType('SlowDown')), 'throttled'],
    ['500 as modelled', reply(500, { message: 'oh' }, errorType('ServiceException')), 'unavailable'],
    ['503 as modelled', reply(503, {}, errorType('ServiceUnavailableException')), 'unavailable'],
    ['502 of a proxy', reply(502, HTML, { 'content-type': 'text/html' }), 'unavailable'],
    ['504 without a body', reply(504), 'unavailable'],
    ['403 as modelled', reply(403, { message: 'no' }, errorType('ForbiddenException')), 'denied'],
    ['403 without a name', reply(403, HTML, { 'content-type': 'text/html' }), 'denied'],
    ['401', reply(401, {}), 'denied'],
    ['400 expired token', reply(400, {}, errorType('ExpiredTokenException')), 'denied'],
    ['403 expired token', reply(403, { __type: 'ExpiredTokenException' }), 'denied'],
    ['400 unknown key', reply(400, { __type: 'UnrecognizedClientException' }), 'denied'],
    ['400 access denied', reply(400, { __type: 'x#AccessDeniedException:' }), 'denied'],
    ['404 without a name', reply(404, {}), 'missing'],
    ['404 with a name', reply(404, {}, errorType('ResourceNotFoundException')), 'missing'],
    ['400 InvalidRequestException', reply(400, {}, errorType('InvalidRequestException')), 'missing'],
    ['400 ClientException', reply(400, { __type: 'ClientException' }), 'missing'],
    ['200 {}', reply(200, {}), 'missing'],
    ['200 with null', reply(200, { lifecycleExecution: null }), 'missing'],
    ['400 of another name', reply(400, {}, errorType('InvalidParameterException')), 'rejected'],
    ['405', reply(405, {}), 'rejected'],
    ['200 of a proxy', reply(200, HTML, { 'content-type': 'text/html' }), 'malformed'],
    ['200 with half of the JSON', reply(200, '{"lifecycleExecution":{"lifecy'), 'malformed'],
    [
      'an ISO timestamp',
      reply(200, { lifecycleExecution: { ...FULL, startTime: '2026-11-23T06:00:00Z' } }),
      'malformed',
    ],
    [
      'another id',
      reply(200, { lifecycleExecution: { ...FULL, lifecycleExecutionId: OTHER_ID } }),
      'malformed',
    ],
    ['no state', reply(200, { lifecycleExecution: { lifecycleExecutionId: ID } }), 'malformed'],
    ['no status', reply(200, { lifecycleExecution: { ...FULL, state: { reason: 'x' } } }), 'malformed'],
    ['an empty status', reply(200, { lifecycleExecution: { ...FULL, state: { status: '' } } }), 'malformed'],
    [
      'a status that is a number',
      reply(200, { lifecycleExecution: { ...FULL, state: { status: 7 } } }),
      'malformed',
    ],
    ['a time beyond dates', reply(200, { lifecycleExecution: { ...FULL, endTime: 1e300 } }), 'malformed'],
  ])('classifies %s', async (_case, answer, outcome) => {
    const failure = await failureOf(answer);
    expect(failure).toMatchObject({ outcome });
    expect(failure.message).not.toMatch(/[\r\n]|<html|secret-example/);
    expect(failure.message.length).toBeLessThanOrEqual(300);
    expect(aws.requests).toHaveLength(1); // no repeats by the SDK
  });

  it('fails as unavailable and may be retried if the connection is reset before the response', async () => {
    const failure = await failureOf((request) => request.socket.resetAndDestroy());
    expect(failure).toMatchObject({ outcome: 'unavailable', code: 'ECONNRESET' });
    expect(isTransient(failure)).toBe(true);
  });

  it('fails as unavailable and may be retried if the connection breaks in the middle of the body', async () => {
    const failure = await failureOf((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"lifecycleExecution":', () => request.socket.destroy());
    });
    expect(failure.outcome).toBe('unavailable');
    expect(isTransient(failure)).toBe(true);
  });

  it.each<[string, Answering]>([
    ['a missing response', () => undefined],
    [
      'a response that stops in the middle of the body',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"lifecycleExecution":');
      },
    ],
  ])('times out on %s', async (_case, answer) => {
    const failure = await failureOf(answer, 150);
    expect(failure).toMatchObject({ outcome: 'unavailable', code: 'TimeoutError' });
    expect(isTransient(failure)).toBe(false);
  });

  it('ends at once when its signal aborts', async () => {
    const abort = new AbortController();
    aws.answers(() => abort.abort());
    const failure = await gatewayTo({}, 60_000).getExecution(ID, abort.signal);
    expect(failure).toMatchObject({ outcome: 'unavailable', code: 'AbortError' });
    expect(isTransient(failure as CallFailure)).toBe(false);
    expect(await gatewayTo().getExecution(ID, abort.signal)).toMatchObject({ code: 'AbortError' });
  });

  it('fails as unavailable if the connection is refused', async () => {
    const gone = await startRawAws();
    await gone.close();
    expect(await gatewayTo({ endpoint: gone.url }).getExecution(ID)).toMatchObject({
      outcome: 'unavailable',
      code: 'ECONNREFUSED',
    });
  });

  it('fails as unavailable if the name does not resolve or the server does not speak TLS', async () => {
    const unknown = gatewayTo({ endpoint: 'http://no-such-host.invalid' });
    expect(await unknown.getExecution(ID)).toMatchObject({ outcome: 'unavailable' });
    const plain = gatewayTo({ endpoint: aws.url.replace('http:', 'https:') });
    expect(await plain.getExecution(ID)).toMatchObject({ outcome: 'unavailable' });
  });

  it('is denied without credentials before anything is sent', async () => {
    const restoreKeys = withAwsEnvironment({});
    aws.answers(reply(200, {}));
    try {
      const result = await gatewayTo().getExecution(ID);
      expect(result).toMatchObject({ outcome: 'denied', code: 'CredentialsProviderError' });
      expect(aws.requests).toHaveLength(0);
    } finally {
      restoreKeys();
    }
  });

  it('returns the Retry-After of AWS with a throttle, but not with other failures', async () => {
    const after = { 'retry-after': '7' };
    expect(await failureOf(reply(429, {}, after))).toMatchObject({ retryAfterMs: 7000, httpStatus: 429 });
    expect(await failureOf(reply(503, {}, after))).not.toHaveProperty('retryAfterMs');
    const date = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs } = await failureOf(reply(429, {}, { 'retry-after': date }));
    expect(retryAfterMs).toBeGreaterThan(30_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('is not affected by the closing of another gateway', async () => {
    const first = gatewayTo();
    const second = gatewayTo();
    aws.answers((request, response) => {
      first.close();
      reply(200, { lifecycleExecution: FULL })(request, response);
    });
    expect((await first.getExecution(ID)).outcome).toBe('ok');
    expect((await second.getExecution(ID)).outcome).toBe('ok');
  });
});

const identity = (account: string) =>
  `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${account}</GetCallerIdentityResult></GetCallerIdentityResponse>`;
const xmlError = (code: string, message: string) =>
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
const XML = { 'content-type': 'text/xml' };

describe('asking AWS for the account ID', () => {
  it.each<[string, Answering, object]>([
    [
      'an account',
      reply(200, identity('<Account>123456789012</Account>'), XML),
      { outcome: 'ok', value: '123456789012' },
    ],
    ['no account', reply(200, identity(''), XML), { outcome: 'malformed' }],
    [
      'an unknown key',
      reply(403, xmlError('InvalidClientTokenId', 'The token is invalid'), XML),
      { outcome: 'denied', code: 'InvalidClientTokenId' },
    ],
    ['an expired token', reply(400, xmlError('ExpiredToken', 'expired'), XML), { outcome: 'denied' }],
    ['a throttle', reply(400, xmlError('Throttling', 'Rate exceeded'), XML), { outcome: 'throttled' }],
    ['status 404', reply(404, xmlError('NoSuchThing', ''), XML), { outcome: 'rejected' }],
    [
      'an error page of a proxy',
      reply(502, HTML, { 'content-type': 'text/html' }),
      { outcome: 'unavailable' },
    ],
    [
      'a success page of a proxy',
      reply(200, HTML, { 'content-type': 'text/html' }),
      { outcome: 'malformed' },
    ],
  ])('handles a response with %s', async (_case, answer, expected) => {
    aws.answers(answer);
    expect(await gatewayTo().getAccountId()).toMatchObject(expected);
  });

  it('keeps signatures out of error messages', async () => {
    const message = 'The canonical string was GET x-amz-security-token:FwoGZXIvYXdzEJr';
    aws.answers(reply(403, xmlError('SignatureDoesNotMatch', message), XML));
    expect(await gatewayTo().getAccountId()).toMatchObject({
      outcome: 'denied',
      message: 'SignatureDoesNotMatch, HTTP 403',
    });
  });
});

describe('a target with a role', () => {
  const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
  const role = { roleArn: 'arn:aws:iam::123456789012:role/watcher', externalId: 'agreed' };

  it('assumes the role once for all its calls', async () => {
    aws.answers((request, response) => {
      const isAssume = aws.requests.at(-1)!.body.includes('Action=AssumeRole');
      const body = isAssume ? assumed : identity('<Account>123456789012</Account>');
      reply(200, body, XML)(request, response);
    });
    const unused = await startRawAws();
    const gateway = gatewayTo({ ...role, endpoint: unused.url, stsEndpoint: aws.url });
    expect(await gateway.getAccountId()).toEqual({ outcome: 'ok', value: '123456789012' });
    expect((await gateway.getExecution(ID)).outcome).toBe('missing');
    await gateway.getAccountId();
    await unused.close();
    const assumptions = aws.requests.filter(({ body }) => body.includes('Action=AssumeRole'));
    expect(assumptions).toHaveLength(1);
    const assumption = new URLSearchParams(assumptions[0]!.body);
    expect(assumption.get('RoleArn')).toBe(role.roleArn);
    expect(assumption.get('ExternalId')).toBe('agreed');
    expect(assumption.get('RoleSessionName')).toBe(sessionName());
  });

  it('is denied calls if the role may not be assumed', async () => {
    aws.answers(reply(403, xmlError('AccessDenied', 'not authorized to perform sts:AssumeRole'), XML));
    expect(await gatewayTo(role).getExecution(ID)).toMatchObject({ outcome: 'denied', code: 'AccessDenied' });
    expect(aws.requests).toHaveLength(1);
  });

  it('is denied calls if the credentials do not arrive in time', async () => {
    aws.answers(() => undefined);
    const gateway = gatewayTo(role, 5000, { credentialsLimitMs: 200 });
    expect(await gateway.getExecution(ID)).toMatchObject({
      outcome: 'denied',
      code: 'CredentialsTimeoutError',
    });
  });
});
