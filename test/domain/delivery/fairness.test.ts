import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { takeByTurns } from '../../../src/domain/delivery/fairness.ts';

const taken = (fresh: string, again: string, first: 'new' | 'again', limit: number) =>
  takeByTurns({ new: Array.from(fresh), again: Array.from(again) }, first, limit).join('');

it.each([
  ['ABC', 'xyz', 'new', 9, 'AxByCz'],
  ['ABC', 'xyz', 'again', 9, 'xAyBzC'],
  ['ABC', 'x', 'again', 9, 'xABC'],
  ['A', 'xyz', 'new', 3, 'Axy'],
  ['', 'xyz', 'new', 2, 'xy'],
  ['ABC', '', 'again', 2, 'AB'],
  ['ABC', 'xyz', 'again', 0, ''],
] as const)('of %j and %j, beginning with %s, %i are taken: %j', (fresh, again, first, limit, expected) => {
  expect(taken(fresh, again, first, limit)).toBe(expected);
});

it('keeps the order of each list, and takes as many as there are', () => {
  const items = fc.array(fc.nat(), { maxLength: 20 });
  fc.assert(
    fc.property(items, items, fc.constantFrom('new', 'again'), fc.nat(50), (fresh, again, first, limit) => {
      const lists = {
        new: fresh.map((value) => ({ kind: 'new' as const, value })),
        again: again.map((value) => ({ kind: 'again' as const, value })),
      };
      const result = takeByTurns<{ kind: 'new' | 'again'; value: number }>(lists, first, limit);
      expect(result).toHaveLength(Math.min(limit, fresh.length + again.length));
      for (const kind of ['new', 'again'] as const) {
        const ofKind = result.filter((item) => item.kind === kind);
        expect(ofKind).toEqual(lists[kind].slice(0, ofKind.length));
      }
      // As long as both have one, no list has two turns in a row.
      const both = 2 * Math.min(fresh.length, again.length);
      for (const [index, { kind }] of result.slice(0, both).entries())
        expect(kind === first).toBe(index % 2 === 0);
    }),
  );
});
