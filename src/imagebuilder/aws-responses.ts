import { z } from 'zod';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import { EXECUTION_ID_PATTERN } from '../domain/execution/execution.ts';
import type { Observation } from '../domain/execution/observation.ts';
import type { TouchedResource } from '../domain/execution/resources.ts';
import { isWritableInstant } from '../domain/instant.ts';
import { defined } from '../runtime/defined.ts';
import type { ListedExecution, ListedPolicy, Page } from './gateway.ts';
import { wellFormed } from './well-formed.ts';

const LONGEST_MESSAGE = 300;

/** The instants at which a request was sent and its response arrived, on the wall clock, the monotonic clock and AWS's. */
export type Times = Pick<Observation, 'sentAt' | 'answeredAt' | 'sentTick' | 'answeredTick' | 'answerDate'>;

/** Text that is stored or shown. */
const text = z.string().transform(wellFormed);
/** Instants in epoch milliseconds. One that cannot be written counts as absent. */
const instant = z
  .date()
  .nullish()
  .transform((date) => {
    const at = date?.getTime();
    return at !== undefined && isWritableInstant(at) ? at : undefined;
  });

/**
 * `lifecycleExecution` as the SDK returns it. AWS documents every member as optional, but an execution without a status
 * cannot be observed.
 */
const LifecycleExecution = z.object({
  lifecycleExecutionId: z.string().nullish(),
  lifecyclePolicyArn: text.nullish(),
  resourcesImpactedSummary: z.object({ hasImpactedResources: z.boolean().nullish() }).nullish(),
  state: z.object({ status: text.pipe(z.string().min(1)), reason: text.nullish() }),
  startTime: instant,
  endTime: instant,
});

const nextToken = z.string().nullish();
const Resource = z.object({
  resourceId: z.string().nullish(),
  action: z.object({ name: text.nullish() }).nullish(),
  state: z.object({ status: text.nullish() }).nullish(),
});
const Resources = z.object({ resources: z.array(Resource).nullish(), nextToken });

const Executions = z.object({ lifecycleExecutions: z.array(z.unknown()).nullish(), nextToken });
const Policy = z.object({ arn: text.pipe(z.string().min(1)), dateLastRun: instant });
const Policies = z.object({ lifecyclePolicySummaryList: z.array(Policy).nullish(), nextToken });

/**
 * Converts `lifecycleExecution` of a response. Ids are compared without regard to case, because hexadecimal digits may be
 * written either way.
 */
export function toObservation(
  execution: unknown,
  requestedId: string,
  times: Times,
): CallResult<Observation> {
  if (execution === undefined || execution === null)
    return { outcome: 'missing', httpStatus: 200, message: 'the response contains no execution' };
  const parsed = LifecycleExecution.safeParse(execution);
  if (!parsed.success) return notAsDocumented('execution', parsed.error);
  const { lifecycleExecutionId: id } = parsed.data;
  if (id != null && id.toLowerCase() !== requestedId.toLowerCase())
    return malformed('the response is about another execution');
  return { outcome: 'ok', value: observationOf(parsed.data, times) };
}

function observationOf(
  {
    state,
    startTime,
    endTime,
    lifecyclePolicyArn,
    resourcesImpactedSummary,
  }: z.output<typeof LifecycleExecution>,
  times: Times,
): Observation {
  return defined({
    ...times,
    status: state.status,
    reason: state.reason ?? undefined,
    lifecyclePolicyArn: lifecyclePolicyArn ?? undefined,
    startTime,
    endTime,
    hasImpactedResources: resourcesImpactedSummary?.hasImpactedResources ?? undefined,
  });
}

/** Converts a page of policies. */
export function toPolicies(response: unknown): CallResult<Page<ListedPolicy>> {
  const parsed = Policies.safeParse(response);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.lifecyclePolicySummaryList ?? []).map(({ arn, dateLastRun }) =>
    defined({ arn, lastRunAt: dateLastRun }),
  );
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

/** Converts a page of the executions of `policyArn`. Leaves out executions without an id or a status. */
export function toExecutions(
  response: unknown,
  policyArn: string,
  times: Times,
): CallResult<Page<ListedExecution>> {
  const parsed = Executions.safeParse(response);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.lifecycleExecutions ?? []).flatMap((item): ListedExecution[] => {
    const execution = LifecycleExecution.safeParse(item).data;
    const id = execution?.lifecycleExecutionId;
    if (execution === undefined || id == null || !EXECUTION_ID_PATTERN.test(id)) return [];
    const observation = { lifecyclePolicyArn: policyArn, ...observationOf(execution, times) };
    return [{ lifecycleExecutionId: id, observation }];
  });
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

/** Converts a page of touched resources. */
export function toResources(response: unknown): CallResult<Page<TouchedResource>> {
  const parsed = Resources.safeParse(response);
  if (!parsed.success) return notAsDocumented('list', parsed.error);
  const items = (parsed.data.resources ?? []).map(({ resourceId, action, state }) =>
    defined({
      resourceId: resourceId ?? undefined,
      action: action?.name ?? 'UNKNOWN',
      status: state?.status ?? 'UNKNOWN',
    }),
  );
  return { outcome: 'ok', value: pageOf(items, parsed.data.nextToken) };
}

/** Converts the account id of a GetCallerIdentity response. */
export function toAccountId({ Account: id }: { readonly Account?: string | undefined }): CallResult<string> {
  return id === undefined || id === ''
    ? malformed('the response contains no account id')
    : { outcome: 'ok', value: wellFormed(id) };
}

function pageOf<T>(items: readonly T[], token: string | null | undefined): Page<T> {
  return defined({ items, nextToken: token == null || token === '' ? undefined : token });
}

function malformed(message: string): CallFailure {
  return { outcome: 'malformed', httpStatus: 200, message };
}

function notAsDocumented(subject: string, error: z.ZodError): CallFailure {
  const paths = error.issues.map(({ path }) => path.join('.')).join(', ');
  return malformed(`the ${subject} is not as documented: ${paths}`.slice(0, LONGEST_MESSAGE));
}
