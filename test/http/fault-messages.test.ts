import { expect, test } from 'vitest';
import * as z from 'zod';
import { faultMessage } from '../../src/http/fault-messages.ts';
import { instant } from '../../src/http/inputs.ts';

test.each([
  ['a missing member', z.string(), undefined, 'is required'],
  ['a missing instant', instant, undefined, 'is required'],
  ['a value of another type', z.string(), 1, 'must be a string'],
  ['a fraction', z.int(), 1.5, 'must be an integer'],
  ['a list instead of an object', z.strictObject({}), [], 'must be an object'],
  ['an empty text', z.string().min(1), '', 'must not be empty'],
  ['a long text', z.string().max(2), 'abc', 'must have at most 2 characters'],
  ['an empty list', z.array(z.string()).min(1), [], 'must have at least one item'],
  ['a long list', z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 items'],
  ['a value that is not a choice', z.enum(['dead', 'delivered']), 'lost', 'must be one of dead, delivered'],
])('the message says what is expected: %s', (_case, schema, value, message) => {
  const { error } = schema.safeParse(value, { error: faultMessage });
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
