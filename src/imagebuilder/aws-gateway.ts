import { GetLifecycleExecutionCommand } from '@aws-sdk/client-imagebuilder';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { z } from 'zod';
import type { Observation } from '../domain/observation.ts';
import type { CallFailure, CallResult } from '../domain/outcome.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { createAwsClients } from './aws-clients.ts';
import type { AwsTarget } from './aws-clients.ts';
import { toFailure } from './aws-failure.ts';
import type { Gateway, Operation } from './gateway.ts';

const TIMEOUT_MS = 10_000;

/** When a request left and its answer came, on both clocks. */
type Times = Pick<Observation, 'sentAt' | 'answeredAt' | 'sentTick' | 'answeredTick'>;

/** `lifecycleExecution` as the SDK hands it over. AWS requires no member; without a status there is nothing to observe. */
const LifecycleExecution = z.object({
  lifecycleExecutionId: z.string().nullish(),
  lifecyclePolicyArn: z.string().nullish(),
  resourcesImpactedSummary: z.object({ hasImpactedResources: z.boolean().nullish() }).nullish(),
  state: z.object({ status: z.string().min(1), reason: z.string().nullish() }),
  startTime: z.date().nullish(),
  endTime: z.date().nullish(),
});

/** The gateway to AWS, by the SDK: one request a call, ended after `timeoutMs` whatever it waits for. */
export function createAwsGateway(
  target: AwsTarget,
  { clock, timeoutMs = TIMEOUT_MS }: { readonly clock: Clock; readonly timeoutMs?: number },
): Gateway {
  const { imagebuilder, sts } = createAwsClients(target, timeoutMs);

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
      return toFailure(error, operation, clock.now());
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

/** What an answer shows; the id is compared without regard to case, as hexadecimal digits are written either way. */
function toObservation(answer: unknown, askedId: string, times: Times): CallResult<Observation> {
  if (answer === undefined || answer === null)
    return { outcome: 'missing', httpStatus: 200, message: 'the answer holds no execution' };
  const parsed = LifecycleExecution.safeParse(answer);
  if (!parsed.success) {
    const paths = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
    return malformed(`the execution is not as documented: ${paths}`);
  }
  const { lifecycleExecutionId: id, state, startTime, endTime, ...rest } = parsed.data;
  if (id != null && id.toLowerCase() !== askedId.toLowerCase())
    return malformed('the answer is about another execution');
  const value: Observation = {
    ...times,
    status: state.status,
    ...(state.reason == null ? {} : { reason: state.reason }),
    ...(rest.lifecyclePolicyArn == null ? {} : { lifecyclePolicyArn: rest.lifecyclePolicyArn }),
    ...(startTime == null ? {} : { startTime: startTime.getTime() }),
    ...(endTime == null ? {} : { endTime: endTime.getTime() }),
    ...(rest.resourcesImpactedSummary?.hasImpactedResources == null
      ? {}
      : { hasImpactedResources: rest.resourcesImpactedSummary.hasImpactedResources }),
  };
  return { outcome: 'ok', value };
}

function connectionFailure(code: string, message: string): CallFailure {
  return { outcome: 'unavailable', trouble: 'connection', code, message };
}

function malformed(message: string): CallFailure {
  return { outcome: 'malformed', httpStatus: 200, message };
}
