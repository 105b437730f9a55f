import type { Clock } from '../runtime/clock.ts';
import { createCredentialSource } from './aws-credentials.ts';
import type { AwsIdentity } from './aws-credentials.ts';
import { createAwsGateway } from './aws-gateway.ts';
import { createAwsSockets } from './aws-sockets.ts';
import type { OnStsCall } from './credentials.ts';
import type { Gateway } from './gateway.ts';

/** Access to AWS. All gateways share connections, and those with the same identity share credentials. */
export interface Aws {
  gatewayTo(target: AwsIdentity, options?: GatewayOptions): Gateway;
  /** Uses another proxy from now on, or none, and reads every source of credentials again before its next use. */
  reload(proxyUrl: string | undefined): void;
}

export interface GatewayOptions {
  /** Is called for each call to STS that a call of this gateway causes because it needs credentials. */
  readonly onStsCall?: OnStsCall;
  /** The time limit of a call. */
  readonly timeoutMs?: number;
}

export interface AwsParts {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** The HTTP proxy for all calls. It may contain credentials. */
  readonly proxyUrl?: string | undefined;
  /** How long a call waits for credentials. */
  readonly credentialsLimitMs?: number;
}

export function createAws({ clock, random, proxyUrl, credentialsLimitMs }: AwsParts): Aws {
  const sockets = createAwsSockets(proxyUrl);
  const credentials = createCredentialSource({ clock, random, sockets, limitMs: credentialsLimitMs });
  return {
    gatewayTo: (target, options) => createAwsGateway(target, { ...options, clock, credentials, sockets }),
    reload(nextProxyUrl) {
      sockets.useProxy(nextProxyUrl);
      credentials.reread();
    },
  };
}
