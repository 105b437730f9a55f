export const printLine = (line: string) => process.stdout.write(`${line}\n`);

export const round = (value: number, digits = 1) => Number(value.toFixed(digits));

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
