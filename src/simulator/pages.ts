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

/** The page size if the caller asks for none. AWS documents no default, so it is the model's maximum. */
const USUAL_PAGE = 25;
/** Beyond this number the oldest tokens are forgotten, and then are as invalid as made-up ones. */
const MOST_TOKENS = 10_000;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

/**
 * Divides lists into pages. A token is opaque, can be used again, and is valid for the same operation, caller's place and
 * input, in which only `maxResults` may differ. The first page fixes the content of all later ones.
 */
export function createPages(choices: () => Choices) {
  const rests = new Map<string, Rest>();
  return {
    /** Returns undefined if `nextToken` was not issued for this list. */
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

/** AWS's services may return fewer items than the caller asks for, even none, and still have more. */
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
