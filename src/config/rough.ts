import * as z from 'zod';
import { membersOf, unwrapped } from './schema-walk.ts';
import { secretRuleOf } from './secret-field.ts';
import type { IsSecret } from './secret-field.ts';

/**
 * A view of a value that may be faulty. Any key may be absent. Only types are as the schema has them: a text need not match its
 * pattern, nor a number be in its range. Secrets are whatever was written.
 */
export type Rough<T> =
  IsSecret<T> extends true
    ? unknown
    : T extends readonly (infer E)[]
      ? readonly (E extends object ? Rough<E> : Rough<E> | undefined)[]
      : T extends object
        ? { readonly [K in keyof T]?: Rough<T[K]> | undefined }
        : T extends string
          ? string
          : T;

/**
 * Returns the rough view of a value. A value of the wrong type reads as absent, or as empty if it should be a list or mapping.
 * The rules that span several keys are checked on this view, so that a fault in one place does not hide those in others.
 */
export function roughly<T extends z.ZodType>(schema: T, value: unknown): Rough<z.output<T>> {
  return roughValue(schema, value) as Rough<z.output<T>>;
}

function roughValue(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = unwrapped(schema);
  if (value === undefined || secretRuleOf(inner) !== undefined) return value;
  const members = membersOf(inner, value).map(
    (member) => [member.key, roughValue(member.schema, member.value)] as const,
  );
  if (inner instanceof z.ZodArray) return Array.from(members, ([, member]) => member);
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return Object.fromEntries(members);
  return typeof value === primitiveType(inner) ? value : undefined;
}

function primitiveType(schema: z.core.$ZodType): string | undefined {
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return 'string';
  if (schema instanceof z.ZodNumber) return 'number';
  return schema instanceof z.ZodBoolean ? 'boolean' : undefined;
}
