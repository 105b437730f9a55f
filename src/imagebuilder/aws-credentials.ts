import { hostname } from 'node:os';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { defined } from '../runtime/defined.ts';
import type { AwsLocation } from './aws-clients.ts';
import { sharedSockets } from './aws-sockets.ts';
import { shareCredentials } from './credentials.ts';
import type { AwsCredentials, Credentials, CredentialsClock } from './credentials.ts';

/** The identity that makes calls. Without `roleArn` the SDK's default credentials are used. */
export interface AwsIdentity extends AwsLocation {
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
}

/** Returns the credentials of an identity. Identities with the same role share them, whatever their Region. */
export type CredentialSource = (identity: AwsIdentity) => Credentials;

/** The STS API reference allows these characters in RoleSessionName, at most 64 of them. */
const NOT_IN_SESSION_NAMES = /[^\w+=,.@-]/g;
const LONGEST_SESSION_NAME = 64;
/** The time limit of a request for credentials. */
const TIMEOUT_MS = 10_000;

/** Returns the session name that CloudTrail shows beside the role: the program and the host that assumed it. */
export function sessionName(host = hostname()): string {
  return `lifecycle-watcher-${host}`.replace(NOT_IN_SESSION_NAMES, '-').slice(0, LONGEST_SESSION_NAME);
}

/** Creates a source that makes one set of credentials for each role and one for the SDK's default chain. */
export function createCredentialSource(clock: CredentialsClock): CredentialSource {
  const credentialsByKey = new Map<string, Credentials>();
  return (identity) => {
    const { roleArn, externalId, endpoint, stsEndpoint = endpoint } = identity;
    const key = JSON.stringify(roleArn === undefined ? [] : [roleArn, externalId, stsEndpoint]);
    const existing = credentialsByKey.get(key);
    if (existing !== undefined) return existing;
    const credentials = shareCredentials(providerOf(identity), clock);
    credentialsByKey.set(key, credentials);
    return credentials;
  };
}

function providerOf(identity: AwsIdentity): () => Promise<AwsCredentials> {
  const { region, roleArn, externalId, endpoint, stsEndpoint = endpoint } = identity;
  if (roleArn === undefined) {
    // A new chain each time, because a chain never rereads files and environment variables.
    return () => fromNodeProviderChain({ clientConfig: { region }, ignoreCache: true })();
  }
  return fromTemporaryCredentials({
    params: defined({ RoleArn: roleArn, RoleSessionName: sessionName(), ExternalId: externalId }),
    clientConfig: defined({
      region,
      maxAttempts: 1,
      requestHandler: sharedSockets(TIMEOUT_MS),
      endpoint: stsEndpoint,
    }),
  });
}
