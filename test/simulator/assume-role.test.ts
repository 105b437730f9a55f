import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { REGION, sdkClients, stsRaw } from './callers.ts';

const ACCOUNT_ID = '210987654321';
const ROLE_ARN = `arn:aws:iam::${ACCOUNT_ID}:role/teams/watcher`;
const SESSION_ARN = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/watcher/night-shift`;
const REQUEST = { RoleArn: ROLE_ARN, RoleSessionName: 'night-shift' };
const NOW = Date.UTC(2026, 0, 2);

const look = (lifecycleExecutionId: string) => new GetLifecycleExecutionCommand({ lifecycleExecutionId });

/** Temporary credentials as a client takes them. */
async function assumed(url: string, input: AssumeRoleCommandInput = REQUEST) {
  using clients = sdkClients(url);
  const { Credentials: given, AssumedRoleUser: user } = await clients.sts.send(new AssumeRoleCommand(input));
  const keys = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  return { keys, user, expiresAt: given?.Expiration?.getTime() };
}

/** A request of GetCallerIdentity as programs presign it to prove who they are. */
function presignedIdentity(url: string, changed: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams({
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `AKIDEXAMPLE/20260102/${REGION}/sts/aws4_request`,
    'X-Amz-Date': '20260102T000000Z',
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': '0'.repeat(64),
    ...changed,
  });
  return fetch(`${url}/?${query.toString()}`);
}

test('a presigned request is answered like a signed one', async () => {
  await using simulator = await startSimulator({ now: () => NOW });
  const own = await presignedIdentity(simulator.url);
  expect([own.status, await own.text()]).toEqual([200, expect.stringContaining('<Account>123456789012<')]);

  const { keys } = await assumed(simulator.url);
  const session = {
    'X-Amz-Credential': `${keys.accessKeyId}/20260102/${REGION}/sts/aws4_request`,
    'X-Amz-Security-Token': keys.sessionToken,
  };
  const another = await presignedIdentity(simulator.url, session);
  expect(await another.text()).toContain(`<Arn>${SESSION_ARN}<`);

  for (const [changed, code] of [
    [{ 'X-Amz-Signature': 'x' }, 'IncompleteSignature'],
    [{ 'X-Amz-Signature': '' }, 'MissingAuthenticationToken'],
    [{ ...session, 'X-Amz-Security-Token': 'x' }, 'InvalidClientTokenId'],
    [{ Version: '1' }, 'InvalidAction'],
  ] as const) {
    const refused = await presignedIdentity(simulator.url, changed);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await refused.text()).toContain(`<Code>${code}<`);
  }
});

test("a role's credentials belong to its account, and every call shows their session", async () => {
  await using simulator = await startSimulator({ now: () => NOW });
  const { keys, user, expiresAt } = await assumed(simulator.url);
  expect(user).toEqual({ Arn: SESSION_ARN, AssumedRoleId: 'AROASIMULATEDROLE000:night-shift' });
  expect(expiresAt).toBe(NOW + 3_600_000);
  expect(keys.accessKeyId).toMatch(/^ASIA[0-9A-Z]{16}$/);

  using clients = sdkClients(simulator.url, keys);
  expect(await clients.sts.send(new GetCallerIdentityCommand())).toMatchObject({
    Account: ACCOUNT_ID,
    Arn: SESSION_ARN,
    UserId: 'AROASIMULATEDROLE000:night-shift',
  });
  const timeline = [{ status: 'IN_PROGRESS', afterMs: 0 }];
  const id = simulator.start({ accountId: ACCOUNT_ID, region: REGION, timeline });
  expect((await clients.imagebuilder.send(look(id))).lifecycleExecution?.lifecycleExecutionId).toBe(id);
  expect(simulator.calls().at(-1)).toMatchObject({
    accountId: ACCOUNT_ID,
    accessKeyId: keys.accessKeyId,
    callerArn: SESSION_ARN,
  });
  expect(simulator.sessions()).toEqual([
    {
      accessKeyId: keys.accessKeyId,
      roleArn: ROLE_ARN,
      name: 'night-shift',
      issuedAt: NOW,
      expiresAt: NOW + 3_600_000,
    },
  ]);
});

test("the SDK's own provider succeeds only with the right externalId", async () => {
  const roles = [{ arn: ROLE_ARN, externalId: 'open-sesame' }];
  await using simulator = await startSimulator({ roles });
  const provide = (externalId: string | undefined, roleArn = ROLE_ARN) =>
    fromTemporaryCredentials({
      params: {
        ...REQUEST,
        RoleArn: roleArn,
        ...(externalId !== undefined && { ExternalId: externalId }),
      },
      masterCredentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'none' },
      clientConfig: { endpoint: simulator.url, region: REGION, maxAttempts: 1 },
    })();
  const denied = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
  await expect(provide('open-sesame1')).rejects.toMatchObject(denied);
  await expect(provide(undefined)).rejects.toMatchObject(denied);
  await expect(provide('open-sesame', `${ROLE_ARN}2`)).rejects.toMatchObject(denied);
  expect(await provide('open-sesame')).toMatchObject({
    secretAccessKey: expect.stringMatching(/./) as string,
  });
  expect(simulator.counts()).toMatchObject({ denied: 3, ok: 1 });
});

test('credentials expire after their lifetime or by hand', async () => {
  let now = NOW;
  await using simulator = await startSimulator({
    now: () => now,
    roles: [{ arn: ROLE_ARN, sessionMs: 1000 }, { arn: `${ROLE_ARN}2` }],
    sessionMs: 60_000,
  });
  const first = await assumed(simulator.url);
  const second = await assumed(simulator.url, { ...REQUEST, RoleArn: `${ROLE_ARN}2`, DurationSeconds: 900 });
  expect([first.expiresAt, second.expiresAt]).toEqual([NOW + 1000, NOW + 60_000]);

  using clients = sdkClients(simulator.url, first.keys);
  now += 999;
  await clients.sts.send(new GetCallerIdentityCommand());
  now += 1;
  await expect(clients.imagebuilder.send(look('any'))).rejects.toMatchObject({
    name: 'ExpiredTokenException',
    $metadata: { httpStatusCode: 403 },
  });
  await expect(clients.sts.send(new GetCallerIdentityCommand())).rejects.toMatchObject({
    name: 'ExpiredToken',
  });

  using others = sdkClients(simulator.url, second.keys);
  await others.sts.send(new GetCallerIdentityCommand());
  simulator.expireSessions();
  await expect(others.imagebuilder.send(look('any'))).rejects.toMatchObject({
    name: 'ExpiredTokenException',
  });
  expect(simulator.calls().at(-1)).toMatchObject({ outcome: 'denied', accountId: ACCOUNT_ID });
});

test('a session is refused without its token, and its key by another simulator', async () => {
  await using simulator = await startSimulator();
  await using another = await startSimulator();
  const { keys } = await assumed(simulator.url);
  const invalid = { name: 'UnrecognizedClientException' };
  for (const sessionToken of ['', 'another', `${keys.sessionToken}x`]) {
    using clients = sdkClients(simulator.url, { ...keys, sessionToken });
    await expect(clients.imagebuilder.send(look('any'))).rejects.toMatchObject(invalid);
  }
  using elsewhere = sdkClients(another.url, keys);
  await expect(elsewhere.imagebuilder.send(look('any'))).rejects.toMatchObject(invalid);
  await expect(elsewhere.sts.send(new GetCallerIdentityCommand())).rejects.toMatchObject({
    name: 'InvalidClientTokenId',
  });
});

test.each([
  ['no role', { RoleArn: '' }],
  ['what is not a role', { RoleArn: 'arn:aws:iam::210987654321:user/me' }],
  ['no session name', { RoleSessionName: '' }],
  ['a session name with a space', { RoleSessionName: 'night shift' }],
  ['an external id of one character', { ExternalId: 'x' }],
  ['too short a time', { DurationSeconds: '899' }],
  ['too long a time', { DurationSeconds: '43201' }],
  ['a time that is none', { DurationSeconds: 'soon' }],
])('%s is a validation error', async (_name, wrong) => {
  await using simulator = await startSimulator();
  const form = { Action: 'AssumeRole', Version: '2011-06-15', ...REQUEST, ...wrong };
  const response = await stsRaw(simulator.url, form);
  expect([response.status, await response.text()]).toEqual([
    400,
    expect.stringContaining('<Code>ValidationError</Code>'),
  ]);
  expect(simulator.counts().rejected).toBe(1);
  expect(simulator.sessions()).toEqual([]);
});

test('an invalid role is refused at startup', async () => {
  await expect(startSimulator({ roles: [{ arn: 'watcher' }] })).rejects.toThrow(RangeError);
});
