import { expect, it } from 'vitest';
import { parseRetryAfterMs } from '../../../src/domain/delivery/retry-after.ts';

const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);

it.each([
  ['0', 0],
  [' 120 ', 120_000],
  ['86400', 86_400_000],
  ['999999999999999999999', 86_400_000],
  ['Mon, 23 Nov 2026 06:00:30 GMT', 30_000],
  ['Monday, 23-Nov-26 06:00:30 GMT', 30_000],
  ['Mon Nov 23 06:00:30 2026', 30_000],
  ['Mon, 23 Nov 2026 05:00:00 GMT', 0],
  ['Thu, 31 Dec 2099 00:00:00 GMT', 86_400_000],
  ['', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2026-11-23T06:00:30Z', undefined],
  ['Mon, 99 Nov 2026 06:00:30 GMT', undefined],
  [undefined, undefined],
])('Retry-After %j asks for a wait of %j ms', (text, expected) => {
  expect(parseRetryAfterMs(text, NOW)).toBe(expected);
});
