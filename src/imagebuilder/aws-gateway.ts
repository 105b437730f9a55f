import {
  GetLifecycleExecutionCommand,
  ListLifecycleExecutionResourcesCommand,
  ListLifecycleExecutionsCommand,
  ListLifecyclePoliciesCommand,
} from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { malformed, toExecutions, toObservation, toPolicies, toResources } from './aws-answers.ts';
import type { Times } from './aws-answers.ts';
import { createAwsClients } from './aws-clients.ts';
import type { AwsIdentity, CredentialSource } from './aws-credentials.ts';
import { toFailure } from './aws-failure.ts';
import type { Operation } from '../domain/call/operation.ts';
import type { Gateway } from './gateway.ts';

const TIMEOUT_MS = 10_000;
/** The most that the model allows. */
const PAGE_SIZE = 25;

/** Where a target's calls go and as whom. */
export type AwsTarget = AwsIdentity;

export interface AwsGatewayOptions {
  readonly clock: Clock;
  /** Shared by all gateways, as they share identities. */
  readonly credentialsOf: CredentialSource;
  readonly timeoutMs?: number;
}

/** The gateway to AWS, by the SDK: one request a call, ended after `timeoutMs` whatever it waits for. */
export function createAwsGateway(
  target: AwsTarget,
  { clock, credentialsOf, timeoutMs = TIMEOUT_MS }: AwsGatewayOptions,
): Gateway {
  const credentials = credentialsOf(target);
  const { imagebuilder, sts } = createAwsClients(target, credentials, timeoutMs);

  async function call<A, T>(
    operation: Operation,
    send: (abortSignal: AbortSignal) => Promise<A>,
    read: (answer: A, times: Times) => CallResult<T>,
    signal: AbortSignal | undefined,
  ): Promise<CallResult<T>> {
    using linked = linkSignals([signal], timeoutMs);
    const sent = { sentAt: clock.now(), sentTick: clock.monotonicNow() };
    try {
      // The SDK hears of an abort only while a request is under way, not while it waits for credentials.
      const answer = await untilAborted(send(linked.signal), linked.signal);
      return read(answer, { ...sent, answeredAt: clock.now(), answeredTick: clock.monotonicNow() });
    } catch (error) {
      if (linked.hasTimedOut) {
        return connectionFailure('TimeoutError', `no answer within ${timeoutMs} ms`);
      }
      if (linked.signal.aborted) {
        return connectionFailure('AbortError', 'the call was aborted');
      }
      const failure = toFailure(error, operation, clock.now());
      if (failure.trouble === 'credentials') credentials.refuse();
      return failure;
    }
  }

  return {
    getExecution: (lifecycleExecutionId, signal) =>
      call(
        'GetLifecycleExecution',
        (abortSignal) =>
          imagebuilder.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId }), { abortSignal }),
        (answer, times) => toObservation(answer.lifecycleExecution, lifecycleExecutionId, times),
        signal,
      ),
    listResources: (query, signal) =>
      call(
        'ListLifecycleExecutionResources',
        (abortSignal) =>
          imagebuilder.send(new ListLifecycleExecutionResourcesCommand({ ...query, maxResults: PAGE_SIZE }), {
            abortSignal,
          }),
        toResources,
        signal,
      ),
    listPolicies: (query, signal) =>
      call(
        'ListLifecyclePolicies',
        (abortSignal) =>
          imagebuilder.send(new ListLifecyclePoliciesCommand({ ...query, maxResults: PAGE_SIZE }), {
            abortSignal,
          }),
        toPolicies,
        signal,
      ),
    listExecutions: ({ policyArn, ...query }, signal) =>
      call(
        'ListLifecycleExecutions',
        (abortSignal) =>
          imagebuilder.send(
            new ListLifecycleExecutionsCommand({ ...query, resourceArn: policyArn, maxResults: PAGE_SIZE }),
            { abortSignal },
          ),
        (answer, times) => toExecutions(answer, policyArn, times),
        signal,
      ),
    getAccountId: (signal) =>
      call(
        'GetCallerIdentity',
        (abortSignal) => sts.send(new GetCallerIdentityCommand(), { abortSignal }),
        ({ Account }) =>
          Account === undefined || Account === ''
            ? malformed('the answer names no account')
            : { outcome: 'ok', value: Account },
        signal,
      ),
    close() {
      imagebuilder.destroy();
      sts.destroy();
    },
  };
}

function connectionFailure(code: string, message: string): CallFailure {
  return { outcome: 'unavailable', trouble: 'connection', code, message };
}
