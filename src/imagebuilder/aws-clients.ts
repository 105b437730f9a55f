import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { STSClient } from '@aws-sdk/client-sts';
import { defined } from '../runtime/defined.ts';
import { keepResponses } from './answer-date.ts';
import type { AwsSockets } from './aws-sockets.ts';
import type { AwsCredentials } from './credentials.ts';

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

export interface AwsClientsParts {
  readonly sockets: AwsSockets;
  /** Returns the credentials of one request to Image Builder or to STS. */
  readonly credentials: { readonly [Client in keyof AwsClients]: () => Promise<AwsCredentials> };
  readonly timeoutMs: number;
}

/** Creates the SDK's clients for one target. They send each request once and end it after `timeoutMs`. */
export function createAwsClients(
  { region, endpoint, stsEndpoint = endpoint }: AwsLocation,
  { sockets, credentials, timeoutMs }: AwsClientsParts,
): AwsClients {
  const shared = { region, maxAttempts: 1, requestHandler: sockets.handler(timeoutMs) };
  const clients = {
    imagebuilder: new ImagebuilderClient(
      defined({ ...shared, endpoint, credentials: credentials.imagebuilder }),
    ),
    sts: new STSClient(defined({ ...shared, endpoint: stsEndpoint, credentials: credentials.sts })),
  };
  for (const client of Object.values(clients)) keepResponses(client);
  return clients;
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
