import * as z from 'zod';
import { accountId, region } from '../../config/fields.ts';
import {
  checkFault,
  checkTimeline,
  FAULT_NAMES,
  KINDS,
  OPERATIONS,
  RESOURCE_ACTIONS,
  RESOURCE_ENDS,
  UNPUBLISHED_STATUS,
  WIRE_FORMS,
} from '../../simulator/simulator.ts';
import { toFault, toTimeline } from './convert.ts';

/** Longer than any rehearsal, and short enough for a timer, which takes 2^31 - 1 ms. */
const LONGEST_SECONDS = 20 * 86_400;
const FASTEST_RATE = 1e6;
const MOST_AT_ONCE = 10_000;

export const seconds = z.number().min(0).max(LONGEST_SECONDS);
/** Seconds within the course of an execution; updates can wait for months. */
export const longSeconds = z
  .number()
  .min(0)
  .max(10 * 365 * 86_400);
const rate = z.number().min(0).max(FASTEST_RATE);
const count = z.int().min(1).max(MOST_AT_ONCE);
const few = z.int().min(0).max(100);
const policyName = z.string().regex(/^[a-z0-9-_]{3,128}$/, 'must be 3 to 128 of the characters a-z 0-9 - _');

export const executionId = z
  .string()
  .regex(
    /^lce-[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/,
    'must be lce- and a UUID, such as lce-5a1c6f2e-7d7e-4a4f-9b1d-3c2b1a0f9e8d',
  );
const imageArn = z
  .string()
  .regex(
    /^arn:aws[^:]*:imagebuilder:[^:]+:(?:[0-9]{12}|aws(?:-[a-z-]+)?):image\/[a-z0-9-_]+\/[0-9]+\.[0-9]+\.[0-9]+\/[0-9]+$/,
    'must be the ARN of an image build version, such as arn:aws:imagebuilder:us-east-1:123456789012:image/golden/1.0.0/1',
  );

/** The account and Region of an action. */
export const placeMembers = {
  accountId: z.exactOptional(accountId).describe('12 digits, quoted. Default: 123456789012'),
  region: z.exactOptional(region).describe('Default: us-east-1'),
};

/** Reports a RangeError that `check` throws as a fault of the value. */
function refuse(
  context: { readonly value: unknown; issues: z.core.$ZodRawIssue[] },
  check: () => unknown,
): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.issues.push({ code: 'custom', message: error.message, input: context.value });
  }
}

const STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'CANCELLING',
  'SUCCESS',
  'FAILED',
  'CANCELLED',
  UNPUBLISHED_STATUS,
] as const;
const reason = z.string().min(1).max(1024);

const stepSchema = z.strictObject({
  status: z.enum(STATUSES).describe(`${UNPUBLISHED_STATUS} is not in the model of AWS`),
  afterSeconds: longSeconds.describe('Seconds since the start of the execution, not since the previous step'),
  reason: z.exactOptional(reason),
  hasImpactedResources: z
    .exactOptional(z.boolean())
    .describe('Default: true once one of its resources was changed'),
});

const resourceSchema = z.strictObject({
  count: z.exactOptional(count).describe('Number of such images. Default: 1'),
  action: z.exactOptional(z.enum(RESOURCE_ACTIONS)).describe('Default: DELETE'),
  status: z.exactOptional(z.enum(RESOURCE_ENDS)).describe('Final status. Default: SUCCESS'),
  reason: z.exactOptional(reason).describe('Why it failed or was skipped'),
  amis: z.exactOptional(few).describe('Number of AMIs of each image. Default: 1'),
  snapshots: z.exactOptional(few).describe('Number of snapshots of each AMI. Default: 1'),
  snapshotStatus: z
    .exactOptional(z.enum(RESOURCE_ENDS))
    .describe('Final status of the snapshots. Default: that of the AMI'),
  containers: z.exactOptional(few).describe('Number of container images of each image. Default: 0'),
});

const timeline = z
  .array(stepSchema)
  .min(1)
  .max(100)
  .check((context) =>
    refuse(context, () => context.value.length > 0 && checkTimeline(toTimeline(context.value))),
  )
  .describe('Statuses of the execution and when each begins');

export const startSchema = z
  .strictObject({
    id: z.exactOptional(executionId).describe('Default: a random id'),
    ...placeMembers,
    policy: z.exactOptional(policyName).describe('Name of the policy. Default: simulated'),
    timeline: z.exactOptional(timeline),
    resources: z
      .exactOptional(z.array(resourceSchema).max(100))
      .describe('Images that the execution changes; only with a timeline'),
    hiddenForSeconds: z
      .exactOptional(longSeconds)
      .describe('How long after its start the execution is still unknown; only with a timeline'),
    vanishesAfterSeconds: z
      .exactOptional(longSeconds)
      .describe('When the execution becomes unknown; only with a timeline'),
    kind: z
      .exactOptional(z.enum(KINDS))
      .describe('Kind of random course; only without a timeline. Default: all kinds in turn'),
    meanSeconds: z.exactOptional(longSeconds).describe('Mean duration; only without a timeline. Default: 60'),
    count: z
      .exactOptional(count)
      .describe('Number of executions to start; only without a timeline. Default: 1'),
  })
  .check((context) => refuse(context, () => checkStart(context.value)));

const WITH_TIMELINE = ['id', 'resources', 'hiddenForSeconds', 'vanishesAfterSeconds'] as const;
const WITHOUT_TIMELINE = ['kind', 'meanSeconds', 'count'] as const;

function checkStart(start: { readonly timeline?: unknown } & object): void {
  const isScripted = start.timeline !== undefined;
  const misplaced = (isScripted ? WITHOUT_TIMELINE : WITH_TIMELINE).find((key) => key in start);
  if (misplaced !== undefined)
    throw new RangeError(`${misplaced} is only allowed ${isScripted ? 'without' : 'with'} a timeline`);
}

export const updateSchema = z.strictObject({
  id: z.exactOptional(executionId).describe('Default: a random id'),
  ...placeMembers,
  image: imageArn.describe('ARN of an image build version'),
  action: z.exactOptional(z.enum(RESOURCE_ACTIONS)).describe('Default: DELETE'),
  afterSeconds: z
    .exactOptional(longSeconds)
    .describe('How long it waits, IN_PROGRESS, before it does anything. Default: 0'),
  kind: z.exactOptional(z.enum(KINDS)).describe('Kind of course after the wait. Default: succeeds'),
  meanSeconds: z.exactOptional(longSeconds).describe('Mean duration after the wait. Default: 10'),
  amis: z.exactOptional(few).describe('Number of AMIs that it changes. Default: 1'),
  snapshots: z.exactOptional(few).describe('Number of snapshots of each AMI. Default: 1'),
  containers: z.exactOptional(few).describe('Number of container images. Default: 0'),
});

export const cancelSchema = z.strictObject({ id: executionId, ...placeMembers });

export const policySchema = z.strictObject({
  name: policyName.describe('Last part of the ARN'),
  ...placeMembers,
  status: z
    .exactOptional(z.enum(['ENABLED', 'DISABLED']))
    .describe('A disabled policy does not run. Default: ENABLED'),
  resourceType: z.exactOptional(z.enum(['AMI_IMAGE', 'CONTAINER_IMAGE'])).describe('Default: AMI_IMAGE'),
  description: z.exactOptional(reason),
  runs: z
    .exactOptional(
      z.strictObject({
        everySeconds: z
          .number()
          .min(1)
          .max(366 * 86_400)
          .describe('Interval between runs. Policies on AWS run once a day: 86400'),
        meanSeconds: longSeconds.describe('Mean duration of a run'),
        kind: z.exactOptional(z.enum(KINDS)).describe('Kind of course. Default: all kinds in turn'),
        past: z.exactOptional(z.int().min(0).max(2000)).describe('Number of runs in the past. Default: 0'),
      }),
    )
    .describe('Schedule on which the policy runs. Default: it has only the executions that name it'),
});

export const faultSchema = z
  .strictObject({
    name: z.enum(FAULT_NAMES).describe('Kind of fault; see simulate --help'),
    operation: z.exactOptional(z.enum(OPERATIONS)).describe('Default: every operation'),
    executionId: z.exactOptional(executionId).describe('Default: every call'),
    accountId: z.exactOptional(accountId).describe('Default: every account'),
    region: z.exactOptional(region).describe('Default: every Region'),
    count: z
      .exactOptional(z.int().min(1).max(1e9))
      .describe('Number of calls that get the fault. Default: all'),
    probability: z
      .exactOptional(z.number().min(0).max(1))
      .describe('Probability that a call gets the fault. Default: 1'),
    forSeconds: z.exactOptional(seconds).describe('How long the fault stays active. Default: forever'),
    seconds: z.exactOptional(seconds).describe('Duration, for the faults that have one; see simulate --help'),
    wire: z
      .exactOptional(z.enum(WIRE_FORMS))
      .describe('Place of the error code in the response, for faults that are errors'),
  })
  .check((context) => refuse(context, () => checkFault(toFault(context.value))));

const budget = {
  requestsPerSecond: rate.describe('Requests per second for each account and Region'),
  burst: z
    .exactOptional(rate)
    .describe('Number of requests allowed at once. Default: requestsPerSecond, at least 1'),
};
export const budgetSchema = z.strictObject(budget);

export const rateSchema = z
  .strictObject({
    ...budget,
    accountId: z.exactOptional(accountId).describe('Limits only this account and Region; needs region'),
    region: z.exactOptional(region).describe('Limits only this account and Region; needs accountId'),
  })
  .check((context) =>
    refuse(context, () => {
      const { accountId: account, region: place } = context.value;
      if ((account === undefined) !== (place === undefined))
        throw new RangeError('accountId and region must be given together');
    }),
  );
