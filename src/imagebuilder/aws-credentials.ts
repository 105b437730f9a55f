import { hostname } from 'node:os';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { AwsPlace } from './aws-clients.ts';
import { sharedSockets } from './aws-sockets.ts';
import { shareCredentials } from './credentials.ts';
import type { AwsCredentials, Credentials, CredentialsClock } from './credentials.ts';

/** As whom calls are made. Without `roleArn` the SDK's default credentials are used. */
export interface AwsIdentity extends AwsPlace {
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
}

/** The credentials of an identity; the same for each that has the same role, whatever its Region. */
export type CredentialSource = (identity: AwsIdentity) => Credentials;

/** The STS API reference's pattern of RoleSessionName: these characters, 64 of them at most. */
const NOT_IN_SESSION_NAMES = /[^\w+=,.@-]/g;
const LONGEST_SESSION_NAME = 64;
/** Of a request for credentials. */
const TIMEOUT_MS = 10_000;

/** What CloudTrail shows beside the role: which program on which host took it on. */
export function sessionName(host = hostname()): string {
  return `lifecycle-watcher-${host}`.replace(NOT_IN_SESSION_NAMES, '-').slice(0, LONGEST_SESSION_NAME);
}

/** Makes one set of credentials for each role, and one for the SDK's default. */
export function createCredentialSource(clock: CredentialsClock): CredentialSource {
  const made = new Map<string, Credentials>();
  return (identity) => {
    const { roleArn, externalId, endpoint, stsEndpoint = endpoint } = identity;
    const key = JSON.stringify(roleArn === undefined ? [] : [roleArn, externalId, stsEndpoint]);
    const known = made.get(key);
    if (known !== undefined) return known;
    const credentials = shareCredentials(providerOf(identity), clock);
    made.set(key, credentials);
    return credentials;
  };
}

function providerOf(identity: AwsIdentity): () => Promise<AwsCredentials> {
  const { region, roleArn, externalId, endpoint, stsEndpoint = endpoint } = identity;
  if (roleArn === undefined) {
    // Made anew each time, as it keeps for ever what it found in files and variables.
    return () => fromNodeProviderChain({ clientConfig: { region }, ignoreCache: true })();
  }
  return fromTemporaryCredentials({
    params: {
      RoleArn: roleArn,
      RoleSessionName: sessionName(),
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
    clientConfig: {
      region,
      maxAttempts: 1,
      requestHandler: sharedSockets(TIMEOUT_MS),
      ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }),
    },
  });
}
