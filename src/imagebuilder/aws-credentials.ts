import { STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import type { Clock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { assumeRole } from './assume-role.ts';
import type { AwsLocation } from './aws-clients.ts';
import type { AwsSockets } from './aws-sockets.ts';
import { limitCredentialProcesses } from './credential-process.ts';
import { SharedCredentials } from './credentials.ts';
import type { AwsCredentials, Credentials, ProvideCredentials, ReceivedCredentials } from './credentials.ts';

/** The identity that makes calls. Without `roleArn` the SDK's default credentials are used. */
export interface AwsIdentity extends AwsLocation {
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
}

/** The credentials of all identities. */
export interface CredentialSource {
  /** Returns the credentials of an identity. Identities with the same role share them, whatever their Region. */
  of(identity: AwsIdentity): Credentials;
  /** Makes every identity read its source again before its next call. */
  reread(): void;
}

export interface CredentialSourceParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sockets: AwsSockets;
  /** How long a call waits for credentials. Default: 8 s, so that it ends for want of them before its own time limit. */
  readonly limitMs?: number | undefined;
}

const LIMIT_MS = 8000;
/** The time limit of one request to STS or another service that issues credentials. */
const TIMEOUT_MS = 10_000;
/**
 * The shortest life that is believed. If credentials seem to live no longer, our clock may be ahead of that of their source: they
 * are used until AWS refuses them, and the source is read again after this time.
 */
const SHORTEST_LIFE_MS = 60_000;

/** Creates a source that makes one set of credentials for each role, and one for the SDK's default chain, which assumes them. */
export function createCredentialSource(parts: CredentialSourceParts): CredentialSource {
  const { limitMs = LIMIT_MS } = parts;
  const credentialsByKey = new Map<string, Credentials>();
  limitCredentialProcesses();

  function shared(key: readonly unknown[], makeProvide: () => ProvideCredentials): Credentials {
    const text = JSON.stringify(key);
    const existing = credentialsByKey.get(text);
    if (existing !== undefined) return existing;
    const credentials = new SharedCredentials({ ...parts, limitMs, provide: makeProvide() });
    credentialsByKey.set(text, credentials);
    return credentials;
  }

  function of({ region, roleArn, externalId, endpoint, stsEndpoint = endpoint }: AwsIdentity): Credentials {
    const base = shared([], () => defaultChain(region, parts));
    if (roleArn === undefined) return base;
    return shared([roleArn, externalId, stsEndpoint], () => {
      const requestHandler = parts.sockets.handler(TIMEOUT_MS);
      const credentials = () => base.get();
      const sts = new STSClient(
        defined({ region, endpoint: stsEndpoint, maxAttempts: 1, requestHandler, credentials }),
      );
      return assumeRole({ roleArn, externalId }, { sts, base, clock: parts.clock, timeoutMs: TIMEOUT_MS });
    });
  }

  return {
    of,
    reread() {
      for (const credentials of credentialsByKey.values()) credentials.reread();
    },
  };
}

/** Returns a source that reads the SDK's default credentials. Services that issue them are asked in their own Region, else `region`. */
function defaultChain(region: string, { clock, sockets }: CredentialSourceParts): ProvideCredentials {
  return async () => {
    // A new chain each time, because a chain never rereads files and environment variables.
    const chain = fromNodeProviderChain({
      clientConfig: { requestHandler: sockets.handler(TIMEOUT_MS) },
      parentClientConfig: { region },
      ignoreCache: true,
    });
    const credentials = await chain();
    return { credentials, ...lifeOf(credentials, clock.now()) };
  };
}

function lifeOf({ expiration }: AwsCredentials, now: number): Omit<ReceivedCredentials, 'credentials'> {
  if (expiration === undefined) return { lifeMs: Infinity };
  const lifeMs = expiration.getTime() - now;
  return lifeMs > SHORTEST_LIFE_MS ? { lifeMs } : { lifeMs: Infinity, renewInMs: SHORTEST_LIFE_MS };
}
