import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Where a target's calls go and as whom. Without `roleArn` the SDK's default credentials are used. */
export interface AwsTarget {
  readonly region: string;
  /** Image Builder, and STS unless `stsEndpoint` is given. */
  readonly endpoint?: string | undefined;
  readonly stsEndpoint?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
}

export interface AwsClients {
  readonly imagebuilder: ImagebuilderClient;
  readonly sts: STSClient;
}

export const ROLE_SESSION_NAME = 'lifecycle-watcher';

const CONNECTION_TIMEOUT_MS = 3000;
/** The part of a call's time that finding credentials may take; hanging providers can only be waited for, not ended. */
const CREDENTIALS_SHARE = 0.8;

/** Targets of one Region share a host name: connections are kept and bounded over all of them. */
const SOCKETS = { keepAlive: true, maxSockets: 200, maxTotalSockets: 1000, maxFreeSockets: 50 } as const;
const httpAgent = new HttpAgent(SOCKETS);
const httpsAgent = new HttpsAgent(SOCKETS);

const silent = { debug: noop, info: noop, warn: noop, error: noop };

function noop(): void {
  // The SDK warns of busy sockets on standard output, where only our log lines belong.
}

/** A client that is destroyed destroys its handler, which would cut off every other target's calls. */
class SharedAgentsHandler extends NodeHttpHandler {
  override destroy(): void {
    noop();
  }
}

/** No credentials came in time. */
export class CredentialsTimeoutError extends Error {
  override readonly name = 'CredentialsTimeoutError';
}

/**
 * The SDK's clients for one target. They send each request once, and end it after `timeoutMs`; credentials that have not
 * come in most of that time fail the call with `CredentialsTimeoutError`.
 */
export function createAwsClients(target: AwsTarget, timeoutMs: number): AwsClients {
  const { region, endpoint, stsEndpoint = endpoint, roleArn, externalId } = target;
  const requestHandler = new SharedAgentsHandler({
    connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, timeoutMs),
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    httpAgent,
    httpsAgent,
    logger: silent,
  });
  const shared = { region, maxAttempts: 1, requestHandler };
  const stsConfig = { ...shared, ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }) };
  const provider =
    roleArn === undefined
      ? fromNodeProviderChain({ clientConfig: { region } })
      : fromTemporaryCredentials({
          params: {
            RoleArn: roleArn,
            RoleSessionName: ROLE_SESSION_NAME,
            ...(externalId === undefined ? {} : { ExternalId: externalId }),
          },
          clientConfig: stsConfig,
        });
  const credentials = inTime(provider, timeoutMs * CREDENTIALS_SHARE);
  return {
    imagebuilder: new ImagebuilderClient({
      ...shared,
      ...(endpoint === undefined ? {} : { endpoint }),
      credentials,
    }),
    sts: new STSClient({ ...stsConfig, credentials }),
  };
}

/** The Region that the SDK finds in the environment or in a profile, else what other tools of AWS find there. */
export async function configuredRegion(): Promise<string | undefined> {
  const client = new ImagebuilderClient({});
  try {
    return await client.config.region();
  } catch {
    return process.env['AWS_DEFAULT_REGION']; // the SDK's error says no more than that there is none
  } finally {
    client.destroy();
  }
}

/** `provide`, but rejecting once `limitMs` have passed. */
function inTime<A extends unknown[], T>(
  provide: (...args: A) => Promise<T>,
  limitMs: number,
): (...args: A) => Promise<T> {
  return async (...args) => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new CredentialsTimeoutError(`no credentials within ${limitMs} ms`));
    }, limitMs);
    try {
      return await Promise.race([provide(...args), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
