import { expect, test } from 'vitest';
import { columns, labelsText, oneLine } from '../../../src/commands/api-client/text.ts';

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
    columns(
      [
        ['A', 'B'],
        ['one', ''],
      ],
      widths,
    ),
  ).toBe('A    B\none\n');
  expect(columns([['x', 'y']], widths)).toBe('x    y\n');
});

test('labels are shown on one line', () => {
  expect(labelsText({ team: 'a', note: 'b\nc' })).toBe('team=a,note=b c');
});
