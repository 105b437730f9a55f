import * as z from 'zod';
import { parseCallbackRule } from '../domain/delivery/callback-rule.ts';
import { EVENT_TYPES } from '../domain/change/event.ts';
import { matchesGlob } from '../domain/change/filter.ts';
import { closest } from './closest.ts';
import { networkFault, urlFault } from './network.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Defaults that rules over several keys look at too. */
export const DEFAULTS = { port: 8080, minIntervalSeconds: 5, maxIntervalSeconds: 900 } as const;

const MAX_PORT = 65_535;
const SECRET_FORM = '{ env: NAME } or { file: PATH }';

/** A string whose further rule is a function that gives what is wrong, or undefined. */
function checkedString(faultOf: (text: string) => string | undefined) {
  return z.string().check((context) => {
    const message = faultOf(context.value);
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value });
  });
}

export const text = z.string().min(1);

export const name = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{1,64}$/, 'must be 1 to 64 of the characters a-z A-Z 0-9 _ . -');

export const accountId = z
  .string({
    error: ({ input }) =>
      typeof input === 'number'
        ? 'must be quoted, such as "123456789012": as a number it may lose leading zeros'
        : undefined,
  })
  .regex(/^\d{12}$/, 'must be the 12 digits of an AWS account, quoted');

export const region = z
  .string()
  .regex(/^[a-z]{2,}(-[a-z0-9]+)*-\d{1,2}$/, 'must be an AWS Region such as us-east-1');

export const roleArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/watcher',
  );

/** As the STS API reference gives it for AssumeRole. */
export const externalId = z
  .string()
  .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1224 of the characters a-z A-Z 0-9 _ + = , . @ : / -');

export const port = z.int().min(0).max(MAX_PORT);
export const seconds = (max: number) => z.number().positive().max(max);
/** A hundred years at most: no instant that is made of it leaves the calendar. */
export const stallSeconds = seconds(3_155_760_000);
/** What is listed more often would find nothing more: a run takes longer. */
export const roundSeconds = z.number().min(1).max(86_400);
export const days = z.number().positive().max(36_500);
/** Once an hour at least: what is rarer is a mistake, and too long for a timer. */
export const requestsPerSecond = z.number().min(0.0003).max(10_000);
export const maxConcurrent = z.int().min(1).max(1000);

export const httpUrl = checkedString(urlFault);
export const callbackRule = checkedString((value) => {
  const parsed = parseCallbackRule(value);
  return parsed.ok ? undefined : parsed.message;
});
export const network = checkedString((value) => networkFault(value, { addressAllowed: false }));
export const addressOrNetwork = checkedString((value) => networkFault(value, { addressAllowed: true }));

export const glob = text.max(2048);

export const eventGlob = checkedString((value) => {
  if (EVENT_TYPES.some((type) => matchesGlob(value, type))) return undefined;
  const meant = closest(value, EVENT_TYPES);
  return `matches no event (${meant === undefined ? `there are ${EVENT_TYPES.join(', ')}` : `did you mean ${meant}?`})`;
});

/** What to say of something that should be a reference to a secret and is not. It never repeats the value. */
function secretFault(input: unknown, literalAllowed: boolean): string {
  const form = literalAllowed ? `a string, ${SECRET_FORM}` : SECRET_FORM;
  if (input === undefined) return `is missing: give ${form}`;
  if (typeof input === 'string') return `a secret must not stand in this file: give ${form}`;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return `must be ${form}`;
  const unknown = Object.keys(input).find((key) => key !== 'env' && key !== 'file');
  if (unknown === undefined) return `must be ${form}: exactly one`;
  // A key that is unlike both is not repeated either: { s3cr3t } is a mapping with the secret as its key.
  const meant = closest(unknown, ['env', 'file']);
  return `has an unknown key${meant === undefined ? '' : ` (did you mean ${meant}?)`}: must be ${form}`;
}

/** Names and paths are told in faults: what is plainly a secret in their place is refused before. */
const fromEnv = z.strictObject({
  env: z
    .string()
    .regex(/^(?!whsec_)[a-zA-Z_.-][a-zA-Z0-9_.-]*$/, 'must be the name of an environment variable')
    .describe('Name of the environment variable that holds it'),
});
const fromFile = z.strictObject({
  file: z
    .string()
    .regex(/^(?!whsec_).+$/, 'must be the path of a file')
    .describe('Path of the file that holds it; one trailing newline is dropped'),
});

/** Where a secret is found; the secret itself never stands in the file. */
export const secretRef = z.union([fromEnv, fromFile], { error: ({ input }) => secretFault(input, false) });
export type SecretRef = z.output<typeof secretRef>;

/** None, or a string that may also be kept out of the file. */
export const nothingOrSecret = z.union([z.null(), text, fromEnv, fromFile], {
  error: ({ input }) => (input === '' ? 'must not be empty' : secretFault(input, true)),
});

/** A string that may also be kept out of the file. */
export const stringOrSecret = z.union([text, fromEnv, fromFile], {
  error: ({ input }) => (input === '' ? 'must not be empty' : secretFault(input, true)),
});
