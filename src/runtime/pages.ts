/**
 * Yields the pages that `fetch` returns, beginning after `first`, until `nextOf` names no place to continue from. Rejects if
 * `fetch` does.
 */
export async function* pagesOf<P, C>(
  first: C,
  fetch: (after: C) => Promise<P>,
  nextOf: (page: P) => C | undefined,
): AsyncGenerator<P, void, undefined> {
  for (let after: C | undefined = first; after !== undefined;) {
    const page: P = await fetch(after);
    yield page;
    after = nextOf(page);
  }
}
