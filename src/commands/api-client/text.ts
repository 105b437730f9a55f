/** Controls of Unicode, C1 and line ends included, and what turns the direction of text around. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** Text from elsewhere as it may be shown on a terminal: on one line, and without what would steer it. */
export function oneLine(text: string): string {
  return text
    .replaceAll(UNPRINTABLE, ' ')
    .replaceAll(/\s{2,}/g, ' ')
    .trim();
}

/** What a text says as JSON; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Rows as lines whose columns stand below each other, at least as wide as `widths`, which grows with them. */
export function columns(rows: readonly (readonly string[])[], widths: number[]): string {
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** `team=platform,env=prod`; what labels may hold beyond words shows as blanks. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return oneLine(
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );
}
