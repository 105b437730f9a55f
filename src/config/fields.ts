import * as z from 'zod';
import { parseCallbackRule } from '../domain/delivery/callback-rule.ts';
import { EVENT_TYPES } from '../domain/change/event.ts';
import { matchesGlob } from '../domain/change/filter.ts';
import { closest } from './closest.ts';
import { networkFault, urlFault } from './network.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Defaults that are also used by rules that span several keys. */
export const DEFAULTS = { port: 8080, minIntervalSeconds: 5, maxIntervalSeconds: 900 } as const;

const MAX_PORT = 65_535;

/** A string that is checked by a function, which returns the fault or undefined. */
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

/** The pattern is that of AssumeRole in the STS API reference. */
export const externalId = z
  .string()
  .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1224 of the characters a-z A-Z 0-9 _ + = , . @ : / -');

export const port = z.int().min(0).max(MAX_PORT);
export const seconds = (max: number) => z.number().positive().max(max);
/** A hundred years at most, so that no time computed from it leaves the range of dates. */
export const stallSeconds = seconds(3_155_760_000);
/** Rounds that are closer together would find nothing more, because a run takes longer. */
export const roundSeconds = z.number().min(1).max(86_400);
export const days = z.number().positive().max(36_500);
/** At least once an hour: a lower rate is a mistake, and too long for a timer. */
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
  return `matches no event (${meant === undefined ? `known events: ${EVENT_TYPES.join(', ')}` : `did you mean ${meant}?`})`;
});
