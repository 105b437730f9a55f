/**
 * Returns text of AWS with U+FFFD in place of each lone surrogate and NUL, which AWS may send but which many JSON parsers and
 * databases refuse.
 */
export function wellFormed(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
