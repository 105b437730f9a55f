import * as z from 'zod';
import { EVENT_TYPES, TYPE_PREFIX } from '../domain/change/event.ts';
import type { EventType, TargetEventType } from '../domain/change/event.ts';
import { EXECUTION_ID_PATTERN } from '../domain/execution/execution.ts';
import { PROBLEM_KINDS } from '../domain/call/reachability.ts';
import { resourcesSchema } from './execution.ts';
import { instantText } from './instant.ts';
import { targetSchema } from './target.ts';

/** Events of an execution that tell of no change of its status. */
const STATE_TYPES = ['execution.stalled', 'execution.not_found', 'execution.expired'] as const;
type StateType = (typeof STATE_TYPES)[number];

const isOfTarget = (type: EventType): type is TargetEventType => type.startsWith('target.');
const isState = (type: EventType): type is StateType => STATE_TYPES.some((state) => state === type);
const named = (types: readonly EventType[]) => z.enum(types.map((type) => TYPE_PREFIX + type));

/** The attributes that every event has. */
const attributes = {
  specversion: z.literal('1.0'),
  id: z
    .string()
    .min(1)
    .describe(
      'Names the event: what comes with an id that was there before is a repeat. Also the header webhook-id',
    ),
  time: instantText,
  datacontenttype: z.literal('application/json'),
};
const source = z
  .string()
  .regex(/^\/imagebuilder\/\d{12}\/[a-z0-9-]+$/)
  .describe('/imagebuilder/ACCOUNT/REGION');
const sequence = z.int().min(1);

const execution = z
  .object({
    lifecycleExecutionId: z.string().regex(EXECUTION_ID_PATTERN),
    lifecyclePolicyArn: z.string().optional(),
    resourceArn: z.string().optional().describe('As it was registered'),
    status: z.string().optional().describe('The word of AWS, also where it is a new one'),
    reason: z.string().optional(),
    startTime: instantText.optional(),
    endTime: instantText.optional(),
    hasImpactedResources: z.boolean().optional(),
  })
  .meta({ id: 'SeenExecution', description: 'As AWS showed it last; what it did not show is left out' });

const transition = z
  .object({
    from: z.string().nullable().describe('null where the first look found it so'),
    to: z.string(),
    lastSeenFromAt: instantText.nullable(),
    firstSeenToAt: instantText,
    detectionLagSeconds: z
      .number()
      .min(0)
      .optional()
      .describe('Of final statuses: from endTime to firstSeenToAt'),
  })
  .meta({
    id: 'Transition',
    description:
      'lastSeenFromAt: when the last request that saw `from` was sent; firstSeenToAt: when the answer came',
  });

const labels = z.record(z.string(), z.string()).describe('Those of the registration');

const ofExecution = {
  ...attributes,
  source,
  subject: z.string().describe('The id of the execution'),
  executionsequence: sequence.describe('1, 2, 3 … without gaps, over all events of one execution'),
};

const statusEvent = z
  .object({
    ...ofExecution,
    type: named(EVENT_TYPES.filter((type) => !isOfTarget(type) && !isState(type))),
    data: z.object({
      target: targetSchema,
      execution,
      transition,
      resources: resourcesSchema.optional(),
      labels,
    }),
  })
  .meta({ id: 'StatusEvent', description: 'The status of an execution changed' });

const executionEvent = z
  .object({
    ...ofExecution,
    type: named(STATE_TYPES),
    data: z.object({
      target: targetSchema,
      execution,
      since: instantText,
      labels,
    }),
  })
  .meta({
    id: 'ExecutionEvent',
    description:
      'Something else is to be told of an execution; `since`: when the stay began (stalled), the first missing answer came (not_found), it was registered (expired)',
  });

const targetEvent = z
  .object({
    ...attributes,
    source,
    type: named(EVENT_TYPES.filter(isOfTarget)),
    subject: z.string().describe('The name of the target'),
    targetsequence: sequence.describe('1, 2, 3 … without gaps, over the events of one target'),
    data: z.object({
      target: targetSchema,
      problem: z.object({ kind: z.enum(PROBLEM_KINDS), message: z.string().describe('For people') }),
      since: instantText,
    }),
  })
  .meta({
    id: 'TargetEvent',
    description:
      'A target cannot be reached, or can again; `since`: the first failure, or the first good answer',
  });

const testEvent = z
  .object({
    ...attributes,
    source: z.literal('/lifecycle-watcher'),
    type: z.literal(`${TYPE_PREFIX}endpoint.test`),
    subject: z.string().describe('The name of the endpoint'),
    data: z.object({ endpoint: z.string() }),
  })
  .meta({ id: 'TestEvent', description: 'Asked for by hand; not in the feed' });

/** An event as the feed shows it: a CloudEvent. What is unknown is left out. */
export const eventSchema = z.union([statusEvent, executionEvent, targetEvent]).meta({ id: 'Event' });

/** The newest events of one execution, in order. */
export const executionEventsSchema = z.object({ events: z.array(eventSchema) });

/** A page of the feed. */
export const feedPageSchema = z.object({
  events: z.array(eventSchema),
  next: z.string().describe('What to ask for as `after`; never null'),
});

/** An execution's event as a client reads it, which keeps the types and members that a later version of the daemon adds. */
const receivedEventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  time: z.string(),
  executionsequence: z.int(),
  data: z.looseObject({
    transition: z.looseObject({ from: z.string().nullable(), to: z.string() }).optional(),
    since: z.string().optional(),
  }),
});
export type ReceivedEvent = z.output<typeof receivedEventSchema>;

export const receivedExecutionEventsSchema = z.object({ events: z.array(receivedEventSchema) });

/** An event as endpoints get it. */
export const webhookEventSchema = z
  .union([statusEvent, executionEvent, targetEvent, testEvent])
  .meta({ id: 'WebhookEvent' });

/**
 * The schema of all events for receivers, in JSON Schema 2020-12. `input` lets members be that it does not know, as a
 * receiver must: later versions add some. `output` describes exactly what this version sends.
 */
export function eventJsonSchema(io: 'input' | 'output'): object {
  const { $schema, ...schema } = z.toJSONSchema(webhookEventSchema, {
    io,
    override({ jsonSchema }) {
      // Limits and notes of our language, of no use to a receiver.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.readOnly;
    },
  });
  return {
    $schema,
    title: 'Events of lifecycle-watcher',
    description:
      'CloudEvents 1.0 in the JSON event format, as webhooks carry them and GET /v1/events lists them. Later versions may add members and types: ignore what you do not know.',
    ...schema,
  };
}
