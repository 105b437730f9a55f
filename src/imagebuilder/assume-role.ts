import { hostname } from 'node:os';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import type { AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts';
import type { CallResult } from '../domain/call/outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { answerDateOf, keepResponses } from './answer-date.ts';
import { makeAwsCall } from './aws-call.ts';
import { withoutCredentials } from './aws-failure.ts';
import { CredentialsError } from './credentials.ts';
import type { Credentials, ProvideCredentials, ReceivedCredentials } from './credentials.ts';

/** The STS API reference allows these characters in RoleSessionName, at most 64 of them. */
const NOT_IN_SESSION_NAMES = /[^\w+=,.@-]/g;
const LONGEST_SESSION_NAME = 64;
/** The default of STS, and the most that a role assumed by a role may ask for. */
const SESSION_SECONDS = 3600;

/** Returns the session name that CloudTrail shows beside the role: the program and the host that assumed it. */
export function sessionName(host = hostname()): string {
  return `lifecycle-watcher-${host}`.replace(NOT_IN_SESSION_NAMES, '-').slice(0, LONGEST_SESSION_NAME);
}

export interface AssumedRole {
  readonly roleArn: string;
  readonly externalId?: string | undefined;
}

export interface RoleParts {
  /** Makes its calls with the credentials of `base`. */
  readonly sts: STSClient;
  /** The credentials that may assume the role. They are discarded if STS refuses them. */
  readonly base: Credentials;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** Returns a source of credentials that assumes a role. Each attempt is one call, which is reported. */
export function assumeRole(
  { roleArn, externalId }: AssumedRole,
  { sts, base, clock, timeoutMs }: RoleParts,
): ProvideCredentials {
  const input = {
    RoleArn: roleArn,
    RoleSessionName: sessionName(),
    DurationSeconds: SESSION_SECONDS,
    ExternalId: externalId,
  };
  const command = new AssumeRoleCommand(defined(input));
  keepResponses(sts);
  return async (signal, onStsCall) => {
    const startTick = clock.monotonicNow();
    const result = await makeAwsCall(
      {
        operation: 'AssumeRole',
        send: (abortSignal) => sts.send(command, { abortSignal }),
        read: (response, { answeredAt }) => toReceived(response, answerDateOf(response) ?? answeredAt),
      },
      { clock, credentials: base, timeoutMs },
      signal,
    );
    const durationSeconds = (clock.monotonicNow() - startTick) / 1000;
    onStsCall({ operation: 'AssumeRole', outcome: result.outcome, durationSeconds });
    if (result.outcome === 'ok') return result.value;
    throw new CredentialsError(
      withoutCredentials({ ...result, message: `AssumeRole failed: ${result.message}` }),
    );
  };
}

/** `sentBackAt` is when STS answered, preferably by its own clock: that is the clock of `Expiration`, too. */
function toReceived(
  { Credentials: issued }: AssumeRoleCommandOutput,
  sentBackAt: number,
): CallResult<ReceivedCredentials> {
  const {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
  } = issued ?? {};
  if (!accessKeyId || !secretAccessKey)
    return { outcome: 'malformed', httpStatus: 200, message: 'the response contains no credentials' };
  const askedMs = SESSION_SECONDS * 1000;
  const leftMs = (issued?.Expiration?.getTime() ?? Infinity) - sentBackAt;
  const lifeMs = leftMs > 0 ? Math.min(leftMs, askedMs) : askedMs;
  return {
    outcome: 'ok',
    value: { credentials: { accessKeyId, secretAccessKey, ...defined({ sessionToken }) }, lifeMs },
  };
}
