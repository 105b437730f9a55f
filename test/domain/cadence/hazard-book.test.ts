import { describe, expect, it } from 'vitest';
import { HazardBook, createHazardBooks, newGlobalHazards } from '../../../src/domain/cadence/hazard-book.ts';
import type { LearntHazard } from '../../../src/domain/cadence/hazard-book.ts';

const A = 'arn:a';
const B = 'arn:b';

/** Lets the book watch runs of `seconds` each. */
function learn(book: HazardBook, policyArn: string | undefined, seconds: number, runs = 50): void {
  for (let run = 0; run < runs; run += 1)
    book.watch(policyArn, 'IN_PROGRESS', { fromAge: 0, toAge: seconds, endedAfterAge: seconds });
}

const at = (book: HazardBook, policyArn: string | undefined, age: number) =>
  book.classOf(policyArn, 'IN_PROGRESS').curve.at(age);

describe('a book of hazards', () => {
  it('keeps policies apart, and executions without a policy', () => {
    const book = new HazardBook(newGlobalHazards());
    learn(book, A, 60);
    learn(book, undefined, 600);
    expect(at(book, A, 60)).toBeGreaterThan(5 * at(book, undefined, 60));
  });

  it('keeps kinds of stay apart', () => {
    const book = new HazardBook(newGlobalHazards());
    learn(book, A, 600);
    expect(book.classOf(A, 'CANCELLING').curve.at(600)).toBeLessThan(at(book, A, 600) / 3);
  });

  it('starts a new policy or target from the hazards of the others', () => {
    const everything = newGlobalHazards();
    const book = new HazardBook(everything);
    learn(book, A, 600);
    const elsewhere = new HazardBook(everything);
    const nowhere = new HazardBook(newGlobalHazards());
    expect(at(book, B, 600)).toBeGreaterThan(3 * at(nowhere, B, 600));
    expect(at(elsewhere, A, 600)).toBeGreaterThan(2 * at(nowhere, A, 600));
  });

  it('returns unsaved changes once, and again if they could not be stored', () => {
    const book = new HazardBook(newGlobalHazards());
    expect(book.takeUnsaved().learnt).toEqual([]);
    learn(book, A, 60, 1);
    const first = book.takeUnsaved();
    expect(first.learnt.map(({ policyArn }) => policyArn)).toEqual([A, undefined]);
    expect(book.takeUnsaved().learnt).toEqual([]);
    learn(book, B, 60, 1);
    first.giveBack();
    const policies = book.takeUnsaved().learnt.map(({ policyArn }) => policyArn);
    expect(policies.toSorted()).toEqual([A, B, undefined]);
  });

  it('exists once for each target and restores stored counts once', () => {
    const earlier = new HazardBook(newGlobalHazards());
    learn(earlier, A, 60);
    const { learnt } = earlier.takeUnsaved();
    const bookOf = createHazardBooks();
    const book = bookOf({ accountId: '1', region: 'r' });
    expect(bookOf({ accountId: '1', region: 'r' })).toBe(book);
    const other = bookOf({ accountId: '1', region: 's' });
    book.restore(learnt);
    const once = [at(book, A, 60), at(book, B, 60), at(other, B, 60)];
    book.restore(learnt);
    expect([at(book, A, 60), at(book, B, 60), at(other, B, 60)]).toEqual(once);
  });

  it('has the same hazards after a restart', () => {
    const book = new HazardBook(newGlobalHazards());
    learn(book, A, 60);
    learn(book, undefined, 600);
    const everything = newGlobalHazards();
    const again = new HazardBook(everything);
    again.restore(book.takeUnsaved().learnt);
    for (const policyArn of [A, undefined, B])
      for (const age of [30, 60, 300, 600, 3000])
        expect(at(again, policyArn, age) / at(book, policyArn, age)).toBeCloseTo(1, 1);
    expect(
      at(new HazardBook(everything), A, 600) / at(new HazardBook(newGlobalHazards()), A, 600),
    ).toBeGreaterThan(2);
  });

  it('remembers the latest 200 policies', () => {
    const book = new HazardBook(newGlobalHazards());
    learn(book, 'arn:first', 60, 5);
    for (let number = 2; number <= 200; number += 1) learn(book, `arn:${number}`, 60, 1);
    learn(book, 'arn:first', 60, 1);
    book.takeUnsaved();
    learn(book, 'arn:201', 60, 1);
    learn(book, 'arn:202', 60, 1);
    const { learnt, forgotten, giveBack } = book.takeUnsaved();
    expect(forgotten).toEqual(['arn:2', 'arn:3']);
    expect(learnt.map(({ policyArn }) => policyArn)).toEqual(['arn:201', undefined, 'arn:202']);
    giveBack();
    learn(book, 'arn:2', 60, 1);
    const later = book.takeUnsaved();
    // A policy that came back is first deleted and then stored anew.
    expect(later.forgotten).toEqual(['arn:2', 'arn:3', 'arn:4']);
    expect(later.learnt.map(({ policyArn }) => policyArn)).toContain('arn:2');
  });

  it('forgets the oldest policy first, even after a restart', () => {
    const counts: LearntHazard['counts'] = { runs: 1, firstBin: 120, endings: [1], exposure: [60] };
    const book = new HazardBook(newGlobalHazards());
    book.restore(
      Array.from({ length: 200 }, (_, number) => ({
        policyArn: `arn:${number}`,
        kind: 'IN_PROGRESS',
        counts,
      })),
    );
    learn(book, 'arn:new', 60, 1);
    expect(book.takeUnsaved().forgotten).toEqual(['arn:0']);
  });
});

it('a poll outdates no more curves of others, the more targets there are', () => {
  const changesPerPoll = (targets: number): number => {
    const booksOf = createHazardBooks();
    const classes = Array.from({ length: targets }, (_, number) => {
      const book = booksOf({ accountId: '123456789012', region: `region-${number}` });
      book.watch('policy', 'IN_PROGRESS', { fromAge: 0, toAge: 10 });
      return { book, of: () => book.classOf('policy', 'IN_PROGRESS').curve };
    });
    let changes = 0;
    const polls = 64 * targets;
    let before = classes.map(({ of }) => of());
    for (let poll = 0; poll < polls; poll += 1) {
      const isEnd = poll % 50 === 0;
      const watched = { fromAge: 10, toAge: 20, ...(isEnd ? { endedAfterAge: 15 } : {}) };
      classes[poll % targets]?.book.watch('policy', 'IN_PROGRESS', watched);
      const now = classes.map(({ of }) => of());
      changes += now.filter((curve, number) => curve !== before[number]).length;
      before = now;
    }
    return changes / polls;
  };
  expect(changesPerPoll(50)).toBeLessThan(2 * changesPerPoll(1));
});
