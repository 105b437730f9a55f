/**
 * Yields the pages that `fetch` returns, beginning with the page after `first`, until `nextOf` returns undefined. Rejects if
 * `fetch` rejects.
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
