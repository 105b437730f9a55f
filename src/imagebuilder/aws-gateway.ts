import {
  GetLifecycleExecutionCommand,
  ListLifecycleExecutionResourcesCommand,
  ListLifecycleExecutionsCommand,
  ListLifecyclePoliciesCommand,
} from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Clock } from '../runtime/clock.ts';
import { makeAwsCall } from './aws-call.ts';
import type { AwsCall } from './aws-call.ts';
import { createAwsClients } from './aws-clients.ts';
import type { AwsIdentity, CredentialSource } from './aws-credentials.ts';
import { toAccountId, toExecutions, toObservation, toPolicies, toResources } from './aws-responses.ts';
import type { AwsSockets } from './aws-sockets.ts';
import type { OnStsCall } from './credentials.ts';
import type { Gateway } from './gateway.ts';
import { IdentifiedCredentials } from './identified-credentials.ts';

const TIMEOUT_MS = 10_000;
/** The largest page that the service model allows. */
const PAGE_SIZE = 25;

export interface AwsGatewayOptions {
  readonly clock: Clock;
  /** Shared by all gateways, so that targets with the same role share its credentials. */
  readonly credentials: CredentialSource;
  readonly sockets: AwsSockets;
  /** Is called for each call to STS that a call of this gateway causes because it needs credentials. */
  readonly onStsCall?: OnStsCall;
  readonly timeoutMs?: number;
}

/** Creates a gateway on top of the AWS SDK. Each call sends one request and ends after `timeoutMs` at the latest. */
export function createAwsGateway(target: AwsIdentity, options: AwsGatewayOptions): Gateway {
  const { imagebuilder, sts, identified, call } = connect(target, options);
  return {
    getExecution(lifecycleExecutionId, signal) {
      const command = new GetLifecycleExecutionCommand({ lifecycleExecutionId });
      return call(
        {
          operation: 'GetLifecycleExecution',
          send: (abortSignal) => imagebuilder.send(command, { abortSignal }),
          read: (response, times) => toObservation(response.lifecycleExecution, lifecycleExecutionId, times),
        },
        signal,
      );
    },
    listResources(query, signal) {
      const command = new ListLifecycleExecutionResourcesCommand({ ...query, maxResults: PAGE_SIZE });
      const send = (abortSignal: AbortSignal) => imagebuilder.send(command, { abortSignal });
      return call({ operation: 'ListLifecycleExecutionResources', send, read: toResources }, signal);
    },
    listPolicies(query, signal) {
      const command = new ListLifecyclePoliciesCommand({ ...query, maxResults: PAGE_SIZE });
      const send = (abortSignal: AbortSignal) => imagebuilder.send(command, { abortSignal });
      return call({ operation: 'ListLifecyclePolicies', send, read: toPolicies }, signal);
    },
    listExecutions({ policyArn, ...query }, signal) {
      const command = new ListLifecycleExecutionsCommand({
        ...query,
        resourceArn: policyArn,
        maxResults: PAGE_SIZE,
      });
      return call(
        {
          operation: 'ListLifecycleExecutions',
          send: (abortSignal) => imagebuilder.send(command, { abortSignal }),
          read: (response, times) => toExecutions(response, policyArn, times),
        },
        signal,
      );
    },
    async getAccountId(signal) {
      const send = (abortSignal: AbortSignal) => sts.send(new GetCallerIdentityCommand(), { abortSignal });
      const result = await call({ operation: 'GetCallerIdentity', send, read: toAccountId }, signal);
      if (result.outcome === 'ok') identified.noteIdentified();
      return result;
    },
    close() {
      imagebuilder.destroy();
      sts.destroy();
    },
  };
}

/** Creates the clients, and the function that makes a call with one of them. */
function connect(
  target: AwsIdentity,
  { clock, credentials: source, sockets, onStsCall, timeoutMs = TIMEOUT_MS }: AwsGatewayOptions,
) {
  const credentials = source.of(target);
  const identified = new IdentifiedCredentials(
    () => credentials.get(onStsCall),
    target.roleArn !== undefined,
  );
  const clients = createAwsClients(target, {
    sockets,
    credentials: { imagebuilder: () => identified.toCall(), sts: () => identified.toIdentify() },
    timeoutMs,
  });
  const call = <R, T>(awsCall: AwsCall<R, T>, signal: AbortSignal | undefined) =>
    makeAwsCall(awsCall, { clock, credentials, timeoutMs }, signal);
  return { ...clients, identified, call };
}
