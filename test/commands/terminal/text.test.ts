import { expect, test } from 'vitest';
import { alignColumns, formatDuration, formatLabels, oneLine } from '../../../src/commands/terminal/text.ts';

test.each([
  ['plain, ünd 日本 🙂', 'plain, ünd 日本 🙂'],
  ['two\r\nlines\ttab', 'two lines tab'],
  ['\u001b]0;title\u0007\u001b[31mred\u009b2J', ']0;title [31mred 2J'],
  ['\u202etxt.exe\u2066', 'txt.exe'],
  ['a\u2028b\u2029c\u007f', 'a b c'],
])('text from outside: %j is shown as %j', (text, shown) => {
  expect(oneLine(text)).toBe(shown);
});

test('columns stay aligned from one page to the next', () => {
  const widths: number[] = [];
  expect(
    alignColumns(
      [
        ['A', 'B'],
        ['one', ''],
      ],
      widths,
    ),
  ).toBe('A    B\none\n');
  expect(alignColumns([['x', 'y']], widths)).toBe('x    y\n');
});

test('labels are shown on one line', () => {
  expect(formatLabels({ team: 'a', note: 'b\nc' })).toBe('team=a,note=b c');
});

test.each([
  [400, '0 s'],
  [59_000, '59 s'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h 0 min'],
  [93_600_000, '1 d 2 h'],
])('%i ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
