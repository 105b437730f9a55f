import type { Members } from './model.ts';
import { keyOf } from './place.ts';
import type { Place } from './place.ts';

/** Beyond this number the oldest tokens are forgotten. */
const MOST_TOKENS = 10_000;

/** Remembers the output for each `clientToken`, so that a repeated request does nothing again. Errors are not remembered. */
export function createClientTokens() {
  const done = new Map<string, { readonly input: string; readonly output: unknown }>();
  const keyFor = (operation: string, { clientToken }: Members, place: Place) =>
    keyOf(`${operation} ${String(clientToken)}`, place);
  return {
    /** Returns the output of the first request with this token, or 'mismatch' if that request had another input. */
    find(
      operation: string,
      input: Members,
      place: Place,
    ): { readonly output: unknown } | 'mismatch' | undefined {
      const first = done.get(keyFor(operation, input, place));
      if (first === undefined) return undefined;
      return first.input === JSON.stringify(input) ? first : 'mismatch';
    },
    keep(operation: string, input: Members, place: Place, output: unknown): void {
      done.set(keyFor(operation, input, place), { input: JSON.stringify(input), output });
      if (done.size > MOST_TOKENS) done.delete(done.keys().next().value ?? '');
    },
  };
}

export type ClientTokens = ReturnType<typeof createClientTokens>;
