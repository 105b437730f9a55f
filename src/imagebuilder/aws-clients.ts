import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { STSClient } from '@aws-sdk/client-sts';
import { sharedSockets } from './aws-sockets.ts';
import type { Credentials } from './credentials.ts';

/** Where a target's calls go. */
export interface AwsPlace {
  readonly region: string;
  /** Image Builder, and STS unless `stsEndpoint` is given. */
  readonly endpoint?: string | undefined;
  readonly stsEndpoint?: string | undefined;
}

export interface AwsClients {
  readonly imagebuilder: ImagebuilderClient;
  readonly sts: STSClient;
}

/** The part of a call's time that finding credentials may take; hanging providers can only be waited for, not ended. */
const CREDENTIALS_SHARE = 0.8;

/** No credentials came in time. */
export class CredentialsTimeoutError extends Error {
  override readonly name = 'CredentialsTimeoutError';
}

/**
 * The SDK's clients for one target. They send each request once, and end it after `timeoutMs`; credentials that have not
 * come in most of that time fail the call with `CredentialsTimeoutError`.
 */
export function createAwsClients(
  { region, endpoint, stsEndpoint = endpoint }: AwsPlace,
  credentials: Credentials,
  timeoutMs: number,
): AwsClients {
  const shared = {
    region,
    maxAttempts: 1,
    requestHandler: sharedSockets(timeoutMs),
    credentials: inTime(() => credentials.get(), timeoutMs * CREDENTIALS_SHARE),
  };
  return {
    imagebuilder: new ImagebuilderClient({ ...shared, ...(endpoint === undefined ? {} : { endpoint }) }),
    sts: new STSClient({ ...shared, ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }) }),
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
function inTime<T>(provide: () => Promise<T>, limitMs: number): () => Promise<T> {
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
