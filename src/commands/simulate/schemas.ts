import * as z from 'zod';
import { accountId, region } from '../../config/fields.ts';
import {
  CHOICE_LISTS,
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

/** Longer than any rehearsal, and short enough for a timer. */
const LONGEST_SECONDS = 20 * 86_400;
const FASTEST_RATE = 1e6;
const MOST_AT_ONCE = 10_000;

export const seconds = z.number().min(0).max(LONGEST_SECONDS);
/** Of an execution's course: updates wait for months. */
const longSeconds = z
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

/** Every action may say where; else it is the default account's default Region. */
export const place = {
  accountId: z.exactOptional(accountId).describe('12 digits, quoted. Default: 123456789012'),
  region: z.exactOptional(region).describe('Default: us-east-1'),
};

/** What throws a RangeError is a fault of the value. */
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
  status: z.enum(STATUSES).describe(`${UNPUBLISHED_STATUS} is one that AWS's model does not list`),
  afterSeconds: longSeconds.describe('Since the start of the execution, not since the step before'),
  reason: z.exactOptional(reason),
  hasImpactedResources: z
    .exactOptional(z.boolean())
    .describe('Default: true once it has touched one of its resources'),
});

const resourceSchema = z.strictObject({
  count: z.exactOptional(count).describe('So many images, all alike. Default: 1'),
  action: z.exactOptional(z.enum(RESOURCE_ACTIONS)).describe('Default: DELETE'),
  status: z.exactOptional(z.enum(RESOURCE_ENDS)).describe('How it ends. Default: SUCCESS'),
  reason: z.exactOptional(reason).describe('Of what failed or was skipped'),
  amis: z.exactOptional(few).describe('AMIs of each image. Default: 1'),
  snapshots: z.exactOptional(few).describe('Snapshots of each AMI. Default: 1'),
  snapshotStatus: z.exactOptional(z.enum(RESOURCE_ENDS)).describe('Default: as the AMI ends'),
  containers: z.exactOptional(few).describe('Container images of each image. Default: 0'),
});

const timeline = z
  .array(stepSchema)
  .min(1)
  .max(100)
  .check((context) =>
    refuse(context, () => context.value.length > 0 && checkTimeline(toTimeline(context.value))),
  )
  .describe('What it shows from when on');

export const startSchema = z
  .strictObject({
    id: z.exactOptional(executionId).describe('Default: a random one'),
    ...place,
    policy: z.exactOptional(policyName).describe('Name of its policy. Default: simulated'),
    timeline: z.exactOptional(timeline),
    resources: z
      .exactOptional(z.array(resourceSchema).max(100))
      .describe('With a timeline: the images it touches'),
    hiddenForSeconds: z
      .exactOptional(longSeconds)
      .describe('With a timeline: unknown for so long after its start'),
    vanishesAfterSeconds: z.exactOptional(longSeconds).describe('With a timeline: unknown from then on'),
    kind: z
      .exactOptional(z.enum(KINDS))
      .describe('Without a timeline: its random course. Default: each in turn'),
    meanSeconds: z.exactOptional(longSeconds).describe('Without a timeline: its mean length. Default: 60'),
    count: z.exactOptional(count).describe('Without a timeline: how many. Default: 1'),
  })
  .check((context) => refuse(context, () => checkStart(context.value)));

const WITH_TIMELINE = ['id', 'resources', 'hiddenForSeconds', 'vanishesAfterSeconds'] as const;
const WITHOUT_TIMELINE = ['kind', 'meanSeconds', 'count'] as const;

function checkStart(start: { readonly timeline?: unknown } & object): void {
  const isScripted = start.timeline !== undefined;
  const strange = (isScripted ? WITHOUT_TIMELINE : WITH_TIMELINE).find((key) => key in start);
  if (strange !== undefined)
    throw new RangeError(`${strange} is for an execution ${isScripted ? 'without' : 'with'} a timeline`);
}

export const updateSchema = z.strictObject({
  id: z.exactOptional(executionId).describe('Default: a random one'),
  ...place,
  image: imageArn.describe('ARN of an image build version'),
  action: z.exactOptional(z.enum(RESOURCE_ACTIONS)).describe('Default: DELETE'),
  afterSeconds: z
    .exactOptional(longSeconds)
    .describe('It waits so long for its date, IN_PROGRESS. Default: 0'),
  kind: z.exactOptional(z.enum(KINDS)).describe('Its course then. Default: succeeds'),
  meanSeconds: z.exactOptional(longSeconds).describe('Its mean length then. Default: 10'),
  amis: z.exactOptional(few).describe('AMIs that it touches. Default: 1'),
  snapshots: z.exactOptional(few).describe('Snapshots of each. Default: 1'),
  containers: z.exactOptional(few).describe('Container images. Default: 0'),
});

export const cancelSchema = z.strictObject({ id: executionId, ...place });

export const policySchema = z.strictObject({
  name: policyName.describe('The last part of its ARN'),
  ...place,
  status: z
    .exactOptional(z.enum(['ENABLED', 'DISABLED']))
    .describe('Default: ENABLED. A disabled one does not run'),
  resourceType: z.exactOptional(z.enum(['AMI_IMAGE', 'CONTAINER_IMAGE'])).describe('Default: AMI_IMAGE'),
  description: z.exactOptional(reason),
  runs: z
    .exactOptional(
      z.strictObject({
        everySeconds: z
          .number()
          .min(1)
          .max(366 * 86_400)
          .describe("AWS's own policies run once a day: 86400"),
        meanSeconds: longSeconds.describe('Mean length of a run'),
        kind: z.exactOptional(z.enum(KINDS)).describe('Default: each in turn'),
        past: z.exactOptional(z.int().min(0).max(2000)).describe('So many runs lie in the past. Default: 0'),
      }),
    )
    .describe('It runs by itself. Default: only what names it is its'),
});

export const faultSchema = z
  .strictObject({
    name: z.enum(FAULT_NAMES).describe('Which trouble: see simulate --help'),
    operation: z.exactOptional(z.enum(OPERATIONS)).describe('Default: every operation'),
    executionId: z.exactOptional(executionId).describe('Default: every call'),
    accountId: z.exactOptional(accountId).describe('Default: every account'),
    region: z.exactOptional(region).describe('Default: every Region'),
    count: z.exactOptional(z.int().min(1).max(1e9)).describe('Strikes so many calls. Default: all'),
    probability: z
      .exactOptional(z.number().min(0).max(1))
      .describe('Strikes each call with this chance. Default: 1'),
    forSeconds: z.exactOptional(seconds).describe('Ends so long after it was added. Default: never'),
    seconds: z.exactOptional(seconds).describe('Of faults that have a time: see simulate --help'),
    wire: z.exactOptional(z.enum(WIRE_FORMS)).describe('Of faults that are errors: where the code stands'),
  })
  .check((context) => refuse(context, () => checkFault(toFault(context.value))));

const budget = {
  requestsPerSecond: rate.describe('For each account and Region'),
  burst: z.exactOptional(rate).describe('So many at once. Default: requestsPerSecond, at least 1'),
};
export const budgetSchema = z.strictObject(budget);

export const rateSchema = z
  .strictObject({
    ...budget,
    accountId: z.exactOptional(accountId).describe('With region: of this place alone'),
    region: z.exactOptional(region).describe('With accountId: of this place alone'),
  })
  .check((context) =>
    refuse(context, () => {
      const { accountId: account, region: place } = context.value;
      if ((account === undefined) !== (place === undefined))
        throw new RangeError('accountId and region go together');
    }),
  );

const chosen = <Name extends keyof typeof CHOICE_LISTS>(name: Name, tells: string) => {
  const list: (typeof CHOICE_LISTS)[Name] = CHOICE_LISTS[name];
  return z.exactOptional(z.enum(list)).describe(`${tells}. Default: ${list[0]}`);
};

export const choiceSchema = z.strictObject({
  unknownId: chosen('unknownId', 'What is answered about an id that is not known'),
  unknownArn: chosen('unknownArn', 'What a list of executions answers to an ARN that is not known'),
  errorWire: chosen('errorWire', 'Where the code of an error stands'),
  listOrder: chosen('listOrder', 'The order of lists'),
  listPages: chosen('listPages', 'Whether pages are as long as was asked for'),
  cancelOfEnded: chosen('cancelOfEnded', 'The cancel of what has ended, or is being cancelled'),
  cancelWinner: chosen('cancelWinner', 'Who wins where a run would end while its cancel is under way'),
  cancelShows: chosen('cancelShows', 'Whether CANCELLING is seen on the way to CANCELLED'),
  cancelSeconds: z.exactOptional(longSeconds).describe('From a cancel to CANCELLED. Default: 2'),
  lastRunChanges: chosen('lastRunChanges', "When in a run its policy's dateLastRun changes"),
  lastRunTells: chosen('lastRunTells', 'What dateLastRun tells: the start of the run, or that moment'),
  updateStarts: chosen('updateStarts', 'Whether StartResourceStateUpdate starts an execution'),
  updateKind: chosen('updateKind', 'The course of such an execution'),
  updateSeconds: z.exactOptional(longSeconds).describe('Its mean length. Default: 10'),
});
