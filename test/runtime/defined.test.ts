import { expect, it } from 'vitest';
import { defined } from '../../src/runtime/defined.ts';

it('leaves out undefined members and keeps null, false and 0', () => {
  const members: { a: number; b: string | undefined; c: null; d: false | undefined } = {
    a: 0,
    b: undefined,
    c: null,
    d: false,
  };
  expect(defined(members)).toStrictEqual({ a: 0, c: null, d: false });
});
