/** A Retry-After that asks for a longer wait is cut to this. */
export const LONGEST_RETRY_AFTER_MS = 86_400_000;

/** RFC 9110, section 5.6.7, has three forms of a date. Each begins with the name of the day. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/;

/**
 * Returns the milliseconds that a Retry-After asks for (RFC 9110, section 10.2.3), at most a day, or undefined if it is missing
 * or invalid.
 */
export function parseRetryAfterMs(retryAfter: string | undefined, now: number): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, LONGEST_RETRY_AFTER_MS);
  if (!HTTP_DATE.test(text)) return undefined;
  // The third form, asctime, does not name its zone: it is UTC as well.
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now, 0), LONGEST_RETRY_AFTER_MS);
}
