const WIDTH = 18;
const FIRST_WIDTH = 26;

/** Prints one row of a table. */
export function row(cells: readonly string[]): void {
  const padded = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(FIRST_WIDTH) : cell.padStart(WIDTH),
  );
  process.stdout.write(`${padded.join('')}\n`);
}

/** Formats a number for a cell. */
export function digits(value: number, count = 3): string {
  return value.toFixed(count);
}
