/** Returns a function that applies `make` to the present value of `source`, and again only if that value has changed. */
export function derived<S, T>(source: () => S, make: (value: S) => T): () => T {
  let from: { readonly value: S; readonly made: T } | undefined;
  return () => {
    const value = source();
    if (from === undefined || from.value !== value) from = { value, made: make(value) };
    return from.made;
  };
}
