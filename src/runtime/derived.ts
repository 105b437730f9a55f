/** What `make` makes of the present value of `source`; made anew only when that is another one. */
export function derived<S, T>(source: () => S, make: (value: S) => T): () => T {
  let from: { readonly value: S; readonly made: T } | undefined;
  return () => {
    const value = source();
    if (from?.value !== value) from = { value, made: make(value) };
    return from.made;
  };
}
