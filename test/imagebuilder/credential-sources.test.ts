import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAws } from '../../src/imagebuilder/aws.ts';
import { runCredentialProcess } from '../../src/imagebuilder/credential-process.ts';
import type { EndedStsCall } from '../../src/imagebuilder/credentials.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { temporaryDirectory } from '../support/daemon.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startHttpServer } from '../support/listen.ts';
import { startProxy } from '../support/proxy.ts';
import { reply, withAwsEnvironment } from './raw-aws.ts';

const HOUR_MS = 3_600_000;
const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/watcher`;
const LIMIT_MS = 500;

type Environment = Parameters<typeof withAwsEnvironment>[0];

function inEnvironment(values: Environment): void {
  onTestFinished(withAwsEnvironment(values));
}

/** Calls an AWS that knows only the access key `AKIDNEW`. */
async function setUp(
  stack: AsyncDisposableStack,
  roleArn?: string,
  { clock = systemClock, proxyUrl = undefined as string | undefined, ...options } = {},
) {
  const accounts = { AKIDNEW: ACCOUNT };
  const simulator = stack.use(await startSimulator({ accounts, ...(options as SimulatorOptions) }));
  const aws = createAws({ clock, random: Math.random, credentialsLimitMs: LIMIT_MS, proxyUrl });
  const stsCalls: EndedStsCall[] = [];
  const gateway = aws.gatewayTo(
    { region: 'us-east-1', endpoint: simulator.url, roleArn },
    { onStsCall: (ended) => stsCalls.push(ended) },
  );
  stack.defer(() => gateway.close());
  const accountId = () => gateway.getAccountId();
  return {
    simulator,
    accountId,
    /** Calls until AWS answers. The calls leave out what the pauses between requests to a source would make them wait for. */
    untilAnswered: () =>
      vi.waitFor(async () => expect(await accountId()).toMatchObject({ outcome: 'ok', value: ACCOUNT }), {
        timeout: 10_000,
        interval: 100,
      }),
    stsCalls,
    callsOf: (operation: string) => simulator.calls().filter((call) => call.operation === operation),
  };
}

async function saveProfile(stack: AsyncDisposableStack, ...lines: readonly string[]) {
  const { path } = stack.use(await temporaryDirectory());
  const file = join(path, 'credentials');
  await writeFile(file, lines.join('\n'));
  return { path, file, rewrite: (...next: readonly string[]) => writeFile(file, next.join('\n')) };
}

const keys = (profile: string, key: string) => [
  `[${profile}]`,
  `aws_access_key_id = ${key}`,
  'aws_secret_access_key = s',
];

/** Starts an agent of a container, which hands out credentials once it has been asked `after` times. */
async function startAgent(stack: AsyncDisposableStack, { after = 0, lifeMs = HOUR_MS } = {}) {
  let requests = 0;
  const agent = stack.use(
    await startHttpServer((_request, response) => {
      requests += 1;
      if (requests <= after) return; // accepts and never answers
      const Expiration = new Date(Date.now() + lifeMs).toISOString();
      response.end(JSON.stringify({ AccessKeyId: 'AKIDNEW', SecretAccessKey: 's', Token: 't', Expiration }));
    }),
  );
  inEnvironment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.origin });
  return { requests: () => requests };
}

describe.each([
  ['a target with a role', ROLE],
  ['a target without a role', undefined],
])('%s', (_target, roleArn) => {
  it("asks a container's agent again that has accepted and never answered", async () => {
    await using stack = new AsyncDisposableStack();
    await startAgent(stack, { after: 2 });
    const { accountId, untilAnswered } = await setUp(stack, roleArn);
    expect(await accountId()).toMatchObject({
      outcome: 'denied',
      trouble: 'credentials',
      code: 'CredentialsTimeoutError',
    });
    await untilAnswered();
  });

  it('uses credentials that seem to have expired, and does not ask for them before each call', async () => {
    await using stack = new AsyncDisposableStack();
    const { requests } = await startAgent(stack, { lifeMs: -HOUR_MS });
    const { accountId, simulator } = await setUp(stack, roleArn);
    for (let call = 0; call < 20; call += 1) expect((await accountId()).outcome).toBe('ok');
    expect(requests()).toBe(1);
    expect(simulator.sessions()).toHaveLength(roleArn === undefined ? 0 : 1);
  });

  it('uses keys that a profile with a source_profile gets from a file which was rewritten', async () => {
    await using stack = new AsyncDisposableStack();
    const chain = ['[default]', `role_arn = ${ROLE}-base`, 'source_profile = base'];
    const { file, rewrite } = await saveProfile(stack, ...chain, ...keys('base', 'AKIDOLD'));
    const { accountId, untilAnswered, simulator } = await setUp(stack, roleArn);
    inEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_ENDPOINT_URL: simulator.url });
    expect((await accountId()).outcome).toBe('denied');
    await rewrite(...chain, ...keys('base', 'AKIDNEW'));
    await untilAnswered();
  });
});

describe('a target with a role', () => {
  it('reports each AssumeRole that it causes, with its outcome', async () => {
    await using stack = new AsyncDisposableStack();
    const { file, rewrite } = await saveProfile(stack, ...keys('default', 'AKIDOLD'));
    inEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file });
    const { accountId, untilAnswered, stsCalls, callsOf } = await setUp(stack, ROLE);
    const result = await accountId();
    expect(result).toMatchObject({ outcome: 'denied', code: 'InvalidClientTokenId' });
    expect(result).toHaveProperty('message', expect.stringMatching(/^AssumeRole failed: /));
    await rewrite(...keys('default', 'AKIDNEW'));
    await untilAnswered();
    expect(stsCalls.map(({ outcome }) => outcome)).toEqual(
      callsOf('AssumeRole').map(({ outcome }) => outcome),
    );
    expect(stsCalls.at(-1)).toMatchObject({ operation: 'AssumeRole', outcome: 'ok' });
  });

  it('asks STS again that has accepted and never answered', async () => {
    await using stack = new AsyncDisposableStack();
    inEnvironment({ AWS_ACCESS_KEY_ID: 'AKIDNEW', AWS_SECRET_ACCESS_KEY: 's' });
    const { simulator, accountId, untilAnswered, stsCalls } = await setUp(stack, ROLE);
    simulator.addFault({ name: 'hang', operation: 'AssumeRole', count: 1 });
    expect(await accountId()).toMatchObject({ outcome: 'denied', code: 'CredentialsTimeoutError' });
    await untilAnswered();
    expect(stsCalls.map(({ outcome }) => outcome)).toEqual(['unavailable', 'ok']);
  });

  it.each([
    ['two hours ahead', 2 * HOUR_MS],
    ['just as far ahead as a session lives', HOUR_MS],
    ['two hours behind', -2 * HOUR_MS],
    ['a day behind', -24 * HOUR_MS],
  ])('assumes it once for 20 calls if our clock is %s', async (_case, aheadMs) => {
    await using stack = new AsyncDisposableStack();
    inEnvironment({ AWS_ACCESS_KEY_ID: 'AKIDNEW', AWS_SECRET_ACCESS_KEY: 's' });
    const { accountId, callsOf } = await setUp(stack, ROLE, { now: () => Date.now() - aheadMs } as object);
    for (let call = 0; call < 20; call += 1) expect((await accountId()).outcome).toBe('ok');
    expect(callsOf('AssumeRole')).toHaveLength(1);
  });

  it('assumes it again within a life of its session, although the clock was set back a day', async () => {
    await using stack = new AsyncDisposableStack();
    inEnvironment({ AWS_ACCESS_KEY_ID: 'AKIDNEW', AWS_SECRET_ACCESS_KEY: 's' });
    const clock = createFakeClock(Date.now());
    const { accountId, callsOf } = await setUp(stack, ROLE, { clock });
    await accountId();
    clock.step(-24 * HOUR_MS);
    await clock.advance(HOUR_MS);
    expect((await accountId()).outcome).toBe('ok');
    expect(callsOf('AssumeRole')).toHaveLength(2);
  });

  it.each([
    [404, 'denied'],
    [400, 'denied'],
    [429, 'denied'],
    [200, 'denied'],
    [503, 'unavailable'],
  ])(
    'has no missing or throttled execution because STS answers %i to AssumeRole',
    async (status, outcome) => {
      await using stack = new AsyncDisposableStack();
      inEnvironment({ AWS_ACCESS_KEY_ID: 'AKIDNEW', AWS_SECRET_ACCESS_KEY: 's' });
      const sts = stack.use(await startHttpServer(reply(status, '<x/>', { 'content-type': 'text/xml' })));
      const aws = createAws({ clock: systemClock, random: Math.random });
      const place = { region: 'us-east-1', endpoint: 'http://127.0.0.1:1', stsEndpoint: sts.origin };
      const gateway = aws.gatewayTo({ ...place, roleArn: ROLE });
      stack.defer(() => gateway.close());
      expect((await gateway.getExecution('lce-1')).outcome).toBe(outcome);
    },
  );
});

describe('a web identity', () => {
  it('is exchanged through the proxy for AWS', async () => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryDirectory());
    const token = join(path, 'token');
    await writeFile(token, 'a.b.c');
    const issued =
      '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDNEW</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>';
    const sts = stack.use(await startHttpServer(reply(200, issued, { 'content-type': 'text/xml' })));
    const proxy = stack.use(await startProxy({ hosts: { 'sts.example': '127.0.0.1' } }));
    const { untilAnswered } = await setUp(stack, undefined, { proxyUrl: proxy.url });
    inEnvironment({
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: ROLE,
      AWS_ENDPOINT_URL: `http://sts.example:${sts.port}`,
    });
    await untilAnswered();
    expect(proxy.tunnels().map(({ authority }) => authority)).toContain(`sts.example:${sts.port}`);
  });
});

describe('a credential_process', () => {
  it('that hangs is asked again, and is ended together with what it has started', async () => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryDirectory());
    const file = join(path, 'child');
    await expect(runCredentialProcess(`sleep 1000 & echo $! > ${file}; wait`, 300)).rejects.toThrow(
      'credential_process did not end within 300 ms',
    );
    const child = Number(await readFile(file, 'utf8'));
    const isRunning = async () => {
      const status = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => 'gone Z');
      return !/ Z/.test(status);
    };
    await vi.waitFor(async () => expect(await isRunning()).toBe(false));
  });

  it('shows neither its command nor its output in an error', async () => {
    await using stack = new AsyncDisposableStack();
    const { file } = await saveProfile(
      stack,
      '[default]',
      'credential_process = echo hidden; echo hidden >&2; exit 3 # --token hidden',
    );
    inEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file });
    const result = await (await setUp(stack)).accountId();
    expect(result).toMatchObject({ outcome: 'denied', trouble: 'credentials' });
    expect(JSON.stringify(result)).not.toContain('hidden');
  });

  it('is used although its credentials seem to have expired', async () => {
    await using stack = new AsyncDisposableStack();
    const Expiration = new Date(Date.now() - HOUR_MS).toISOString();
    const output = { Version: 1, AccessKeyId: 'AKIDNEW', SecretAccessKey: 's', Expiration };
    const { file } = await saveProfile(
      stack,
      '[default]',
      `credential_process = echo '${JSON.stringify(output)}'`,
    );
    inEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file });
    const { accountId } = await setUp(stack);
    expect(await accountId()).toMatchObject({ outcome: 'ok', value: ACCOUNT });
  });
});
