import * as z from 'zod';
import { EVENT_TYPES, TYPE_PREFIX } from '../domain/change/event.ts';
import type { EventType } from '../domain/change/event.ts';
import { EXECUTION_ID_PATTERN } from '../domain/execution/execution.ts';
import { PROBLEM_KINDS } from '../domain/call/reachability.ts';
import { resourcesSchema } from './execution.ts';
import { instantText } from './instant.ts';
import { targetSchema } from './target.ts';

type Subject = 'status' | 'execution' | 'target';

/** Each event reports a change of a status, something else about an execution, or something about a target. */
const SUBJECTS: Readonly<Record<EventType, Subject>> = {
  'execution.pending': 'status',
  'execution.resumed': 'status',
  'execution.cancelling': 'status',
  'execution.succeeded': 'status',
  'execution.failed': 'status',
  'execution.cancelled': 'status',
  'execution.unknown_status': 'status',
  'execution.stalled': 'execution',
  'execution.not_found': 'execution',
  'execution.expired': 'execution',
  'target.unreachable': 'target',
  'target.recovered': 'target',
};

const typesAbout = (subject: Subject) =>
  z.enum(EVENT_TYPES.filter((type) => SUBJECTS[type] === subject).map((type) => TYPE_PREFIX + type));

/** The attributes that every event has. */
const attributes = {
  specversion: z.literal('1.0'),
  id: z
    .string()
    .min(1)
    .describe(
      'Identifies the event. An event with an id that was received before is a repeat. Also in the header webhook-id',
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
    resourceArn: z.string().optional().describe('As given at registration'),
    status: z.string().optional().describe('As AWS reports it, even if this version does not know it'),
    reason: z.string().optional(),
    startTime: instantText.optional(),
    endTime: instantText.optional(),
    hasImpactedResources: z.boolean().optional(),
  })
  .meta({
    id: 'SeenExecution',
    description: 'The latest observation. Members that AWS did not report are omitted',
  });

const transition = z
  .object({
    from: z.string().nullable().describe('null if the first observation already found this status'),
    to: z.string(),
    lastSeenFromAt: instantText.nullable(),
    firstSeenToAt: instantText,
    detectionLagSeconds: z
      .number()
      .min(0)
      .optional()
      .describe('Time from endTime to firstSeenToAt. Final statuses only'),
  })
  .meta({
    id: 'Transition',
    description:
      'lastSeenFromAt: when the last request that saw `from` was sent. firstSeenToAt: when the answer that showed `to` arrived',
  });

const labels = z.record(z.string(), z.string()).describe('Labels of the registration');

const ofExecution = {
  ...attributes,
  source,
  subject: z.string().describe('Id of the execution'),
  executionsequence: sequence.describe('1, 2, 3 … without gaps over all events of one execution'),
};

const statusEvent = z
  .object({
    ...ofExecution,
    type: typesAbout('status'),
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
    type: typesAbout('execution'),
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
      'Something other than the status of an execution changed. `since` is when it entered its status (stalled), when it was first missing (not_found), or when it was registered (expired)',
  });

const targetEvent = z
  .object({
    ...attributes,
    source,
    type: typesAbout('target'),
    subject: z.string().describe('Name of the target'),
    targetsequence: sequence.describe('1, 2, 3 … without gaps over all events of one target'),
    data: z.object({
      target: targetSchema,
      problem: z.object({
        kind: z.enum(PROBLEM_KINDS),
        message: z.string().describe('Explanation for people'),
      }),
      since: instantText,
    }),
  })
  .meta({
    id: 'TargetEvent',
    description:
      'A target became unreachable or recovered. `since` is the time of the first failure or of the first success',
  });

const testEvent = z
  .object({
    ...attributes,
    source: z.literal('/lifecycle-watcher'),
    type: z.literal(`${TYPE_PREFIX}endpoint.test`),
    subject: z.string().describe('Name of the endpoint'),
    data: z.object({ endpoint: z.string() }),
  })
  .meta({ id: 'TestEvent', description: 'A test event that was requested through the API. Not in the feed' });

/** An event in the feed: a CloudEvent. Members whose values are unknown are omitted. */
export const eventSchema = z.union([statusEvent, executionEvent, targetEvent]).meta({ id: 'Event' });

/** The newest events of one execution, in order. */
export const executionEventsSchema = z.object({ events: z.array(eventSchema) });

/** A page of the feed. */
export const feedPageSchema = z.object({
  events: z.array(eventSchema),
  next: z.string().describe('The value of `after` for the next page. Never null'),
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

/** A page of the feed as a client reads it. */
export const receivedFeedPageSchema = z.object({
  events: z.array(z.looseObject({ id: z.string(), type: z.string(), time: z.string() })),
  next: z.string(),
});

export const receivedExecutionEventsSchema = z.object({ events: z.array(receivedEventSchema) });

/** An event that an endpoint receives. */
export const webhookEventSchema = z
  .union([statusEvent, executionEvent, targetEvent, testEvent])
  .meta({ id: 'WebhookEvent' });

/**
 * Returns the schema of all events for receivers, in JSON Schema 2020-12. `input` allows unknown members, as a receiver must,
 * because later versions may add some. `output` describes exactly the events of this version.
 */
export function eventJsonSchema(io: 'input' | 'output'): object {
  const { $schema, ...schema } = z.toJSONSchema(webhookEventSchema, {
    io,
    override({ jsonSchema }) {
      // These limits and notes are specific to JavaScript and of no use to a receiver.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.readOnly;
    },
  });
  return {
    $schema,
    title: 'Events of lifecycle-watcher',
    description:
      'CloudEvents 1.0 in the JSON event format, as sent to webhooks and returned by GET /v1/events. Later versions may add members and types; ignore those that you do not know.',
    ...schema,
  };
}
