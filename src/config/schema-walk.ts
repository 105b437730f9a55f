import * as z from 'zod';

/** Returns a schema without its defaults and without its being optional. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodExactOptional
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

/** Returns the schema of an element of a list or of a key of a mapping, or undefined if there is none. */
export function memberSchema(schema: z.core.$ZodType, key: string | number): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodObject ? (schema.shape as z.core.$ZodShape)[key] : undefined;
}

export interface Member {
  readonly key: string | number;
  readonly schema: z.core.$ZodType;
  readonly value: unknown;
}

/** Yields the entries of a list or mapping with the schema of each. Yields none if the value is not what the schema expects. */
export function* membersOf(schema: z.core.$ZodType, value: unknown): Generator<Member, void, undefined> {
  if (schema instanceof z.ZodArray) {
    if (!Array.isArray(value)) return;
    for (const [key, element] of value.entries()) yield { key, schema: schema.element, value: element };
  } else if (isMapping(value)) {
    if (schema instanceof z.ZodObject) {
      const shape = schema.shape as z.core.$ZodShape;
      for (const [key, member] of Object.entries(shape)) yield { key, schema: member, value: value[key] };
    } else if (schema instanceof z.ZodRecord) {
      for (const [key, member] of Object.entries(value))
        yield { key, schema: schema.valueType, value: member };
    }
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
