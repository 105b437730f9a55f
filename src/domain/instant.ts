const EARLIEST = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** Reports whether an instant, in epoch milliseconds, is in the years 0 to 9999, which ISO 8601 writes with four digits. */
export function isWritableInstant(at: number): boolean {
  return at >= EARLIEST && at <= LATEST;
}
