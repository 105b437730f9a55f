import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from '../../../src/domain/cadence/due-queue.ts';

type Step = ['set', number, number] | ['delete', number];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('set' as const), fc.nat(30), fc.integer({ min: -1000, max: 1000 })),
    fc.tuple(fc.constant('delete' as const), fc.nat(30)),
  ),
  { maxLength: 200 },
);

describe('DueQueue', () => {
  it('agrees with a sorted list after any operations and returns all items in due order', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const queue = new DueQueue<number>();
        const model = new Map<number, number>();
        for (const step of taken) {
          if (step[0] === 'set') {
            queue.set(step[1], step[2]);
            model.set(step[1], step[2]);
          } else {
            expect(queue.delete(step[1])).toBe(model.delete(step[1]));
          }
          expect(queue.size).toBe(model.size);
          expect(queue.peek()?.dueAt).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        expect([...queue.items()].sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b));
        for (const [item, dueAt] of model) expect(queue.dueAt(item)).toBe(dueAt);
        const drained: number[] = [];
        for (let head = queue.peek(); head !== undefined; head = queue.peek()) {
          drained.push(head.dueAt);
          queue.delete(head.item);
        }
        expect(drained).toEqual([...model.values()].sort((a, b) => a - b));
      }),
    );
  });
});
