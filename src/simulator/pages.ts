import { randomBytes } from 'node:crypto';
import type { Choices } from './choices.ts';
import type { Members } from './model.ts';
import type { Place } from './place.ts';
import { keyOf } from './place.ts';

/** The rest of a list, as it was when its first page was asked for. */
interface Rest {
  readonly of: string;
  readonly items: readonly unknown[];
  readonly from: number;
}

/** The model's most is what is given where nothing is asked for: AWS does not say. */
const USUAL_PAGE = 25;
/** The oldest are forgotten beyond it, and then are as bad as made-up ones. */
const MOST_TOKENS = 10_000;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

/**
 * Pages of lists. A token is opaque, can be used again, and holds for the same operation, caller's place and input: only
 * `maxResults` may differ. What is on a later page is settled with the first one.
 */
export function createPages(choices: () => Choices) {
  const rests = new Map<string, Rest>();
  return {
    /** Undefined where `nextToken` was not given out for this list. */
    page<T>(
      operation: string,
      { nextToken, maxResults, ...input }: Members,
      place: Place,
      list: () => readonly T[],
    ): Page<T> | undefined {
      const of = keyOf(`${operation} ${JSON.stringify(input)}`, place);
      const rest = nextToken === undefined ? { of, items: list(), from: 0 } : rests.get(nextToken as string);
      if (rest?.of !== of) return undefined;
      const to = rest.from + sizeOf(Number(maxResults ?? USUAL_PAGE), nextToken === undefined, choices());
      const items = rest.items.slice(rest.from, to) as readonly T[];
      if (to >= rest.items.length) return { items };
      const next = randomBytes(72).toString('base64url');
      rests.set(next, { ...rest, from: to });
      if (rests.size > MOST_TOKENS) rests.delete(rests.keys().next().value ?? '');
      return { items, nextToken: next };
    },
  };
}

/** AWS's services may answer fewer than was asked for, even nothing, and still have more. */
function sizeOf(asked: number, isFirst: boolean, { listPages }: Choices): number {
  switch (listPages) {
    case 'full':
      return asked;
    case 'short':
      return Math.ceil(asked / 2);
    case 'empty-first':
      return isFirst ? 0 : asked;
  }
}

export type Pages = ReturnType<typeof createPages>;
