import { describe, expect, it } from 'vitest';
import { createView } from '../../../src/commands/demo/view.ts';

describe('the view of the demo', () => {
  const shown = (isTTY: boolean) => {
    let text = '';
    let now = 0;
    const view = createView({ isTTY, columns: 40, write: (part: string) => (text += part) }, () => now);
    view.totals('early');
    now = 6000;
    view.change('lce-0123456789', 'IN_PROGRESS', 'FAILED', 1.25);
    view.totals('totals that are longer than the terminal is wide');
    view.end();
    return text;
  };

  it('prints plain lines to a pipe', () => {
    expect(shown(false)).toBe(
      '   6.0 s  lce-…456789  IN_PROGRESS → FAILED             seen 1.3 s after the end\n' +
        '   6.0 s  totals that are longer than the terminal is wide\n',
    );
  });

  it('shows the totals in one line at the bottom of a terminal', () => {
    const text = shown(true);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain('totals that are longer than the'.slice(0, 25));
    expect(text).not.toContain('terminal is wide');
    expect(text.endsWith('\r\u001b[2K')).toBe(true);
  });
});
