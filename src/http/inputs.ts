import * as z from 'zod';
import { MAX_LABELS } from '../domain/execution/registration.ts';
import { isWritableInstant } from '../domain/instant.ts';
import { MOST_FAULTS } from '../wire/problem.ts';
import type { ProblemCode } from '../wire/problem.ts';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

const ONLY_ONCE = 'must be given only once';

/** Names the problem code of a custom fault. */
export const faultOf = (code: ProblemCode) => ({ params: { code } });

/** The maximum length of an ARN in Image Builder's service model. */
const MAX_ARN_LENGTH = 1024;
const ARN = /^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9-]*:[\x21-\x7e]+$/;

export const arn = z.string().max(MAX_ARN_LENGTH).regex(ARN, 'must be an ARN');

export const LABEL_KEY = '[a-zA-Z0-9_.-]{1,64}';

const labelValue = z
  .string()
  .max(256)
  // Many parsers refuse a lone surrogate, and some databases a NUL, in the events that carry the labels.
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL');

/**
 * Keeps one label more than the number of faults that are reported, and drops the rest. Validating a label takes 2 µs, and
 * 200,000 of them fit into a batch.
 */
function limitLabels(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const members = input as Readonly<Record<string, unknown>>;
  const first: [string, unknown][] = [];
  for (const key in members) if (first.push([key, members[key]]) > MOST_FAULTS) break;
  return Object.fromEntries(first);
}

const countMembers = (value: unknown) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0;

export const labels = z.preprocess(
  limitLabels,
  z
    .record(
      z.string().regex(new RegExp(`^${LABEL_KEY}$`), 'must be 1 to 64 characters from a-z A-Z 0-9 _ . -'),
      labelValue,
    )
    .refine((members) => countMembers(members) <= MAX_LABELS, {
      message: `must have at most ${MAX_LABELS} members`,
      when: () => true,
    }),
);

/** Parsed to epoch milliseconds. */
export const instant = z.iso
  .datetime({
    offset: true,
    error: ({ input }) =>
      input === undefined
        ? undefined
        : 'must be an ISO 8601 date and time with a UTC offset, such as 2026-11-23T06:00:00Z',
  })
  .max(64)
  .transform((text) => Date.parse(text))
  // The offset can lead into the year before 0 or after 9999, which no answer could show.
  .refine(isWritableInstant, {
    message: 'must be in the years 0 to 9999 of UTC',
    abort: true,
  });

/** A query parameter that must not be repeated. */
export const parameter = z.string({
  error: ({ input }) => (Array.isArray(input) ? ONLY_ONCE : undefined),
});

/** A query parameter that is one of `values` and must not be repeated. */
export function choiceParameter<const T extends readonly string[]>(values: T) {
  return z.enum(values, {
    error: ({ input }) => (Array.isArray(input) ? ONLY_ONCE : `must be one of ${values.join(', ')}`),
  });
}

/** The parameter `target` of a query: the name of a target. */
export const targetParameter = parameter.optional();

const limitMessage = `must be an integer from 1 to ${MAX_PAGE}`;
/** The parameter `limit` of a list. */
export const limitParameter = z.preprocess(
  (text) => (typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : text),
  z.int(limitMessage).min(1, limitMessage).max(MAX_PAGE, limitMessage).default(DEFAULT_PAGE),
);

/** The path of a target or endpoint. */
export const namePath = z.object({ name: z.string() });

export const noQuery = z.strictObject({});

/** The body of a POST that takes no parameters: absent or an empty object. */
export const noBody = z.strictObject({}).nullable();
