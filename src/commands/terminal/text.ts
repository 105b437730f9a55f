/** Control characters, including C1 and line separators, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** Makes text from outside safe for a terminal: one line, without control characters. */
export function oneLine(text: string): string {
  return text
    .replaceAll(UNPRINTABLE, ' ')
    .replaceAll(/\s{2,}/g, ' ')
    .trim();
}

/** Formats rows with aligned columns that are at least as wide as `widths`, and widens `widths` to fit them. */
export function alignColumns(rows: readonly (readonly string[])[], widths: number[]): string {
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** Formats labels as `team=platform,env=prod` on one line. */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return oneLine(
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );
}

/** Formats a duration by its two largest parts: `3 s`, `2 min 5 s`, `1 h 0 min`, `3 d 2 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${seconds % 60} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
