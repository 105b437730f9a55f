import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { STSClient } from '@aws-sdk/client-sts';
import { defined } from '../runtime/defined.ts';
import { sharedSockets } from './aws-sockets.ts';
import type { Credentials } from './credentials.ts';

/** The Region and the endpoints that a target's calls go to. */
export interface AwsLocation {
  readonly region: string;
  /** The endpoint of Image Builder, and of STS unless `stsEndpoint` is given. */
  readonly endpoint?: string | undefined;
  readonly stsEndpoint?: string | undefined;
}

export interface AwsClients {
  readonly imagebuilder: ImagebuilderClient;
  readonly sts: STSClient;
}

/** The share of a call's time limit that fetching credentials may take. A provider that hangs cannot be cancelled. */
const CREDENTIALS_SHARE = 0.8;

/** Thrown if no credentials arrive in time. */
export class CredentialsTimeoutError extends Error {
  override readonly name = 'CredentialsTimeoutError';
}

/**
 * Creates the SDK's clients for one target. They send each request once and end it after `timeoutMs`. If credentials have
 * not arrived within 80 % of that time, the call fails with `CredentialsTimeoutError`.
 */
export function createAwsClients(
  { region, endpoint, stsEndpoint = endpoint }: AwsLocation,
  credentials: Credentials,
  timeoutMs: number,
): AwsClients {
  const shared = {
    region,
    maxAttempts: 1,
    requestHandler: sharedSockets(timeoutMs),
    credentials: withTimeout(() => credentials.get(), timeoutMs * CREDENTIALS_SHARE),
  };
  return {
    imagebuilder: new ImagebuilderClient(defined({ ...shared, endpoint })),
    sts: new STSClient(defined({ ...shared, endpoint: stsEndpoint })),
  };
}

/**
 * Returns the Region that the SDK finds in the environment or a profile, or else `AWS_DEFAULT_REGION`, which the CLI reads.
 */
export async function configuredRegion(): Promise<string | undefined> {
  const client = new ImagebuilderClient({});
  try {
    return await client.config.region();
  } catch {
    return process.env['AWS_DEFAULT_REGION']; // the SDK's error only says that it found no Region
  } finally {
    client.destroy();
  }
}

/** Wraps `provide` so that it rejects after `limitMs`. */
function withTimeout<T>(provide: () => Promise<T>, limitMs: number): () => Promise<T> {
  return async () => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new CredentialsTimeoutError(`no credentials within ${limitMs} ms`));
    }, limitMs);
    try {
      return await Promise.race([provide(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
