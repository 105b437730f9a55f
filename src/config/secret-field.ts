import * as z from 'zod';
import { closest } from './closest.ts';
import type { Secret, SecretRef } from './secrets.ts';

/**
 * The rule for a secret in the file. Declaring a key by one of the functions below is all that a new secret needs: it is then
 * found, read, checked, masked and typed like the others.
 */
export interface SecretRule {
  /** True if the value may be written in the file itself. */
  readonly isLiteralAllowed: boolean;
  /** Returns the fault of a secret that was read, or undefined. It must not repeat the secret. */
  readonly faultOf: (text: string, source: { readonly isInFile: boolean }) => string | undefined;
}

const rules = z.registry<SecretRule>();

/** Returns the rule for a secret, or undefined if the schema is not that of a secret. */
export function secretRuleOf(schema: z.core.$ZodType): SecretRule | undefined {
  return rules.get(schema);
}

const FORM = '{ env: NAME } or { file: PATH }';

/** Returns the fault of a value that is not a reference to a secret. It never repeats the value. */
function referenceFault(input: unknown, isLiteralAllowed: boolean): string {
  const form = isLiteralAllowed ? `a string, ${FORM}` : FORM;
  if (input === undefined) return `is missing: give ${form}`;
  if (typeof input === 'string')
    return isLiteralAllowed ? 'must not be empty' : `a secret must not be in this file: give ${form}`;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return `must be ${form}`;
  const unknown = Object.keys(input).find((key) => key !== 'env' && key !== 'file');
  if (unknown === undefined) return `must be ${form}: exactly one`;
  // A key that resembles neither is not repeated either: { s3cr3t } is a mapping with the secret as its key.
  const meant = closest(unknown, ['env', 'file']);
  return `has an unknown key${meant === undefined ? '' : ` (did you mean ${meant}?)`}: must be ${form}`;
}

// Faults repeat names and paths, so a webhook secret in their place is refused by its prefix.
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

const literal = z.string().min(1);
const errorFor = (isLiteralAllowed: boolean) => ({
  error: ({ input }: { readonly input?: unknown }) => referenceFault(input, isLiteralAllowed),
});

/** A reference to a secret, without any check of the secret. */
export const secretRef = z.union([fromEnv, fromFile], errorFor(false));

/** A secret that must be kept out of the file. */
export function secret(faultOf: SecretRule['faultOf']) {
  return z.union([fromEnv, fromFile], errorFor(false)).register(rules, { isLiteralAllowed: false, faultOf });
}

/** A string that may be kept out of the file. */
export function stringOrSecret(faultOf: SecretRule['faultOf']) {
  return z
    .union([literal, fromEnv, fromFile], errorFor(true))
    .register(rules, { isLiteralAllowed: true, faultOf });
}

/** Nothing, or a string that may be kept out of the file. */
export function nothingOrSecret(faultOf: SecretRule['faultOf']) {
  return z
    .union([z.null(), literal, fromEnv, fromFile], errorFor(true))
    .register(rules, { isLiteralAllowed: true, faultOf });
}

/** True of the type of a key that was declared by one of the functions above. */
export type IsSecret<T> = [SecretRef] extends [T]
  ? [T] extends [string | null | SecretRef]
    ? true
    : false
  : false;

/** A value of the schema, read-only, with each secret in place of its reference. */
export type WithSecrets<T> =
  IsSecret<T> extends true
    ? Secret | Extract<T, null>
    : T extends object
      ? { readonly [K in keyof T]: WithSecrets<T[K]> }
      : T;
