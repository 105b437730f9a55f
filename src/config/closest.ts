/** Returns the number of single-character insertions, deletions and replacements between two strings (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, charA] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, charB] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (charA === charB ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const letters = (word: string) => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
/** Longer words are not typing errors, and comparing them is expensive. */
const MAX_LENGTH = 64;

/**
 * Returns the candidate that was probably meant by `word`: one that differs only in case and punctuation, or by at most two
 * typing errors and at most one for each three characters. Returns undefined if none is that close.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const allowed = Math.max(1, Math.min(2, Math.floor(word.length / 3)));
  const [best] = candidates
    .map((candidate) => ({ candidate, slips: distance(letters(word), letters(candidate)) }))
    .filter(({ slips }) => slips <= allowed)
    .toSorted((a, b) => a.slips - b.slips);
  return best?.candidate;
}
