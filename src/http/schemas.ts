import * as z from 'zod';
import type { CallbackFault } from '../domain/delivery/callback.ts';
import { EXECUTION_ID_PATTERN, TRACKINGS } from '../domain/execution/execution.ts';
import { DELIVERY_STATES } from '../domain/delivery/delivery.ts';
import { MAX_LABELS } from '../domain/execution/registration.ts';
import { deliveriesCursorParameter, executionsCursorParameter, feedCursorParameter } from './cursor.ts';
import { MOST_FAULTS } from '../wire/problem.ts';
import type { ProblemCode } from '../wire/problem.ts';

const MAX_BATCH = 1000;
const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
const MAX_TYPES = 32;
/** Of an ARN, in Image Builder's service model. */
const MAX_ARN_LENGTH = 1024;

const LABEL_KEY = '[a-zA-Z0-9_.-]{1,64}';

const faultOf = (code: ProblemCode) => ({ params: { code } });
const count = (value: unknown) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0;

/**
 * Leaves out labels beyond one more than the faults that are named. Validating a label takes 2 µs, and 200,000 of them fit into
 * a batch.
 */
function firstLabels(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const members = given as Readonly<Record<string, unknown>>;
  const first: [string, unknown][] = [];
  for (const key in members) if (first.push([key, members[key]]) > MOST_FAULTS) break;
  return Object.fromEntries(first);
}

const labels = z.preprocess(
  firstLabels,
  z
    .record(
      z.string().regex(new RegExp(`^${LABEL_KEY}$`), 'must be 1 to 64 of the characters a-z A-Z 0-9 _ . -'),
      z.string().max(256),
    )
    .refine((given) => count(given) <= MAX_LABELS, {
      message: `must have at most ${MAX_LABELS} members`,
      when: () => true,
    }),
);

/** Read as epoch milliseconds. */
const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 instant with offset, such as 2026-11-23T06:00:00Z' })
  .max(64)
  .transform((text) => Date.parse(text));

const arn = z
  .string()
  .max(MAX_ARN_LENGTH)
  .regex(/^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9-]*:[\x21-\x7e]+$/, 'must be an ARN');

export interface RegistrationRules {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Whether a registration must name its target. */
  readonly isTargetRequired: () => boolean;
  readonly callbackFault: (url: string) => CallbackFault | undefined;
}

/** A registration as it is asked for. Rules that depend on time and configuration are asked at each parse. */
export function createRegistrationSchema({ now, isTargetRequired, callbackFault }: RegistrationRules) {
  return z
    .strictObject({
      lifecycleExecutionId: z
        .string()
        .regex(EXECUTION_ID_PATTERN, 'must be a lifecycle execution id: lce- and a UUID'),
      target: z
        .string()
        .optional()
        .describe('Name of a configured target; may be left out where there is one.'),
      labels: labels.prefault({}),
      callbackUrl: z
        .string()
        .check(({ value: input, issues }) => {
          const fault = callbackFault(input);
          if (fault === undefined) return;
          const { message, isConfigured } = fault;
          const code = isConfigured ? {} : faultOf('callbacks_not_configured');
          issues.push({ code: 'custom', input, message, ...code });
        })
        .optional()
        .describe('Gets every execution.* event recorded after it was set, or the final one at once.'),
      expectedAt: instant.optional(),
      giveUpAt: instant.refine((at) => at > now(), 'must not be in the past').optional(),
      resourceArn: arn.optional(),
    })
    .refine(({ target }) => target !== undefined || !isTargetRequired(), {
      path: ['target'],
      message: 'several targets are configured: say which one is meant',
      when: ({ value }) => typeof value === 'object' && value !== null,
      ...faultOf('target_required'),
    })
    .meta({ id: 'Registration' });
}
export type RegistrationSchema = ReturnType<typeof createRegistrationSchema>;
export type RegistrationBody = z.output<RegistrationSchema>;

/** Each registration is checked for itself: one that is not valid does not hold the others up. */
const item = z.unknown().meta({ $ref: '#/components/schemas/Registration' });
export const batchBody = z.strictObject({ executions: z.array(item).min(1).max(MAX_BATCH) });

/** A parameter of a query: text, and once. */
const parameter = z.string({
  error: ({ input }) => (Array.isArray(input) ? 'must be given once' : undefined),
});

const limitMessage = `must be an integer from 1 to ${MAX_PAGE}`;
const limit = z.preprocess(
  (text) => (typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : text),
  z.int(limitMessage).min(1, limitMessage).max(MAX_PAGE, limitMessage).default(DEFAULT_PAGE),
);

const target = parameter.optional();

export const noQuery = z.strictObject({});
/** Of a POST that needs no body: none or an empty object. */
export const noBody = z.strictObject({}).nullable();
export const executionPath = z.object({ lifecycleExecutionId: z.string() });
export const targetPath = z.object({ name: z.string() });
export const targetQuery = z.strictObject({ target });

const labelParameter = new RegExp(`^label\\.(?!__proto__$)(${LABEL_KEY})$`);

/** Puts the parameters `label.KEY` together as one member `label`. */
function gatherLabels(query: unknown): unknown {
  const label: Record<string, unknown> = {};
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    const key = labelParameter.exec(name)?.[1];
    if (key === undefined) others.push([name, value]);
    else label[key] = value;
  }
  return { label, ...Object.fromEntries(others) };
}

/** Filters of the list of executions; `label.KEY=VALUE` may be given for several keys. */
export const listQuery = z.preprocess(
  gatherLabels,
  z.strictObject({
    tracking: z.enum(TRACKINGS, { error: `must be one of ${TRACKINGS.join(', ')}, once` }).optional(),
    status: parameter.min(1).max(64).optional(),
    target,
    policyArn: parameter.min(1).max(MAX_ARN_LENGTH).optional(),
    label: labels,
    limit,
    cursor: executionsCursorParameter.optional(),
  }),
);

const typeGlob = z
  .string()
  .regex(/^[a-z_.*]{1,64}$/, 'must be a short event name such as execution.failed, or a glob');

export const feedQuery = z.strictObject({
  after: feedCursorParameter.optional(),
  type: z
    .preprocess(
      (given) => (given === undefined || Array.isArray(given) ? given : [given]),
      z.array(typeGlob).max(MAX_TYPES),
    )
    .optional(),
  limit,
});

export const deliveryPath = z.object({ id: z.string() });
export const endpointPath = z.object({ name: z.string() });

export const deliveriesQuery = z.strictObject({
  state: z.enum(DELIVERY_STATES, { error: `must be one of ${DELIVERY_STATES.join(', ')}, once` }).optional(),
  endpoint: parameter.min(1).max(64).optional(),
  eventId: parameter.min(1).max(128).optional(),
  limit,
  cursor: deliveriesCursorParameter.optional(),
});

/** Which deliveries of an endpoint are to be sent again. */
export const resendBody = z
  .strictObject({
    since: instant.describe('Deliveries created at this instant or later'),
    until: instant.optional().describe('Deliveries created before this instant'),
    state: z.enum(['dead', 'delivered']).default('dead'),
  })
  .refine(({ since, until }) => until === undefined || until > since, {
    path: ['until'],
    message: 'must be after since',
  });
