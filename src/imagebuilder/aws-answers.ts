import { z } from 'zod';
import { EXECUTION_ID_PATTERN } from '../domain/execution/execution.ts';
import type { Observation } from '../domain/execution/observation.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import type { TouchedResource } from '../domain/execution/resources.ts';
import type { ListedExecution, ListedPolicy, Page } from './gateway.ts';

/** When a request left and its answer came, on both clocks. */
export type Times = Pick<Observation, 'sentAt' | 'answeredAt' | 'sentTick' | 'answeredTick'>;

/** `lifecycleExecution` as the SDK hands it over. AWS requires no member; without a status there is nothing to observe. */
const LifecycleExecution = z.object({
  lifecycleExecutionId: z.string().nullish(),
  lifecyclePolicyArn: z.string().nullish(),
  resourcesImpactedSummary: z.object({ hasImpactedResources: z.boolean().nullish() }).nullish(),
  state: z.object({ status: z.string().min(1), reason: z.string().nullish() }),
  startTime: z.date().nullish(),
  endTime: z.date().nullish(),
});

const nextToken = z.string().nullish();
const Resource = z.object({
  resourceId: z.string().nullish(),
  action: z.object({ name: z.string().nullish() }).nullish(),
  state: z.object({ status: z.string().nullish() }).nullish(),
});
const Resources = z.object({ resources: z.array(Resource).nullish(), nextToken });

const Executions = z.object({ lifecycleExecutions: z.array(z.unknown()).nullish(), nextToken });
const Policy = z.object({ arn: z.string().min(1), dateLastRun: z.date().nullish() });
const Policies = z.object({ lifecyclePolicySummaryList: z.array(Policy).nullish(), nextToken });

/** What an answer shows; the id is compared without regard to case, as hexadecimal digits are written either way. */
export function toObservation(answer: unknown, askedId: string, times: Times): CallResult<Observation> {
  if (answer === undefined || answer === null)
    return { outcome: 'missing', httpStatus: 200, message: 'the answer holds no execution' };
  const parsed = LifecycleExecution.safeParse(answer);
  if (!parsed.success) return notAsDocumented('execution', parsed.error);
  const { lifecycleExecutionId: id } = parsed.data;
  if (id != null && id.toLowerCase() !== askedId.toLowerCase())
    return malformed('the answer is about another execution');
  return { outcome: 'ok', value: observationOf(parsed.data, times) };
}

function observationOf(
  { state, startTime, endTime, ...rest }: z.output<typeof LifecycleExecution>,
  times: Times,
): Observation {
  return {
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
}

/** A page of policies. */
export function toPolicies(answer: unknown): CallResult<Page<ListedPolicy>> {
  const parsed = Policies.safeParse(answer);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.lifecyclePolicySummaryList ?? []).map(({ arn, dateLastRun }) => ({
    arn,
    ...(dateLastRun == null ? {} : { lastRunAt: dateLastRun.getTime() }),
  }));
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

/** A page of the executions of `policyArn`; one that shows no id or no status is left out, it cannot be told of. */
export function toExecutions(
  answer: unknown,
  policyArn: string,
  times: Times,
): CallResult<Page<ListedExecution>> {
  const parsed = Executions.safeParse(answer);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.lifecycleExecutions ?? []).flatMap((item): ListedExecution[] => {
    const shown = LifecycleExecution.safeParse(item).data;
    const id = shown?.lifecycleExecutionId;
    if (shown === undefined || id == null || !EXECUTION_ID_PATTERN.test(id)) return [];
    const observation = { lifecyclePolicyArn: policyArn, ...observationOf(shown, times) };
    return [{ lifecycleExecutionId: id, observation }];
  });
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

/** A page of touched resources. */
export function toResources(answer: unknown): CallResult<Page<TouchedResource>> {
  const parsed = Resources.safeParse(answer);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.resources ?? []).map(({ resourceId, action, state }) => ({
    ...(resourceId == null ? {} : { resourceId }),
    action: action?.name ?? 'UNKNOWN',
    status: state?.status ?? 'UNKNOWN',
  }));
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

function pageOf<T>(items: readonly T[], token: string | null | undefined): Page<T> {
  return { items, ...(token == null || token === '' ? {} : { nextToken: token }) };
}

export function malformed(message: string): CallFailure {
  return { outcome: 'malformed', httpStatus: 200, message };
}

function notAsDocumented(what: string, error: z.ZodError): CallFailure {
  const paths = error.issues.map(({ path }) => path.join('.')).join(', ');
  return malformed(`the ${what} is not as documented: ${paths}`.slice(0, LONGEST_MESSAGE));
}

const LONGEST_MESSAGE = 300;
