import type * as z from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  int: 'an integer',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function sizeMessage(origin: string, bound: string, size: number | bigint): string {
  if (bound === 'at least' && Number(size) === 1)
    return origin === 'string' ? 'must not be empty' : 'must have at least one item';
  return `must have ${bound} ${size} ${origin === 'string' ? 'characters' : 'items'}`;
}

/** Returns the message for an issue. A message in the schema itself takes precedence. */
export function faultMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return sizeMessage(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return sizeMessage(issue.origin, 'at most', issue.maximum);
    default:
      return undefined;
  }
}
