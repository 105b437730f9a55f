import * as z from 'zod';
import { closest } from './closest.ts';
import type { Finding, Path } from './faults.ts';
import { memberSchema, unwrapped } from './schema-walk.ts';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
};

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  switch (typeof input) {
    case 'object':
      return 'a mapping';
    case 'number':
      if (!Number.isFinite(input)) return String(input);
      return Number.isInteger(input) ? 'a number' : 'a fraction';
    default:
      return `a ${typeof input}`;
  }
}

function wrongType(expected: string, input: unknown): string {
  const wanted = KINDS[expected] ?? expected;
  if (input === undefined) return `is missing: it must be ${wanted}`;
  if (input === null) return `is empty: it must be ${wanted}`;
  const hint =
    expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')
      ? ': put it in quotes'
      : '';
  return `must be ${wanted}, not ${kindOf(input)}${hint}`;
}

function outOfBounds(origin: string, word: string, bound: number | bigint): string {
  switch (origin) {
    case 'string':
      return bound === 1 ? 'must not be empty' : `must have ${word} ${bound} characters`;
    case 'array':
      return bound === 1 ? 'must have at least one entry' : `must have ${word} ${bound} entries`;
    default:
      return `must be ${word} ${bound}`;
  }
}

/** Returns the message for an issue of zod, unless the schema itself has one. */
function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input);
    case 'too_small':
      return outOfBounds(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return outOfBounds(issue.origin, 'at most', issue.maximum);
    case 'invalid_value':
      if (issue.input === undefined) return `is missing: it must be one of ${issue.values.join(', ')}`;
      return `must be one of ${issue.values.join(', ')}`;
    default:
      return undefined;
  }
}

/** Returns the keys of the object schema at a path; none if there is no object schema. */
function keysAt(top: z.ZodType, path: Path): readonly string[] {
  let schema = unwrapped(top);
  for (const part of path) {
    const inner = memberSchema(schema, part);
    if (inner === undefined) return [];
    schema = unwrapped(inner);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function unknownKey(top: z.ZodType, parent: Path, key: string): Finding {
  const keys = keysAt(top, parent);
  const meant = closest(key, keys);
  const hint = meant === undefined ? `known keys: ${keys.join(', ')}` : `did you mean ${meant}?`;
  return { path: [...parent, key], message: `unknown key (${hint})` };
}

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly findings: readonly Finding[] };

/** Checks a value against a schema. Returns the value with its defaults, or all findings. */
export function checkAgainst<T extends z.ZodType>(schema: T, value: unknown): Checked<z.output<T>> {
  const parsed = schema.safeParse(value, { error: issueText });
  if (parsed.success) return { ok: true, value: parsed.data };
  const findings = parsed.error.issues.flatMap((issue): readonly Finding[] => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => unknownKey(schema, path, key));
      case 'invalid_key':
        return [{ path, message: `the key ${issue.issues[0]?.message ?? 'is not allowed'}` }];
      default:
        return [{ path, message: issue.message }];
    }
  });
  return { ok: false, findings };
}
