import { describe, expect, it } from 'vitest';
import { judge } from '../../src/commands/demo/verdict.ts';
import { createView } from '../../src/commands/demo/view.ts';
import { startCommand } from '../support/daemon.ts';

const seen = (...statuses: string[]) => statuses.map((status) => ({ executionId: 'a', status }));
const event = (sequence: number, type: string, id = String(sequence)) => ({
  id,
  executionId: 'a',
  sequence,
  type: `execution.${type}`,
});

describe('the verdict of the demo', () => {
  it.each([
    ['a run that ended', seen('IN_PROGRESS', 'IN_PROGRESS', 'SUCCESS'), 'SUCCESS', [event(1, 'succeeded')]],
    ['an end that the first poll saw', seen('FAILED'), 'FAILED', [event(1, 'failed')]],
    ['a run that has not ended', seen('IN_PROGRESS', 'IN_PROGRESS'), 'IN_PROGRESS', []],
    ['a run that no poll saw', [], 'PENDING', []],
    ['an unknown status that the first poll saw', seen('ODD'), 'ODD', [event(1, 'unknown_status')]],
    [
      'a run with several changes',
      seen('IN_PROGRESS', 'PENDING', 'IN_PROGRESS', 'CANCELLING'),
      'CANCELLING',
      [event(1, 'pending'), event(2, 'resumed'), event(3, 'cancelling')],
    ],
  ])('accepts %s', (_case, calls, last, arrived) => {
    const verdict = judge(new Map([['a', last]]), calls, arrived);
    expect(verdict).toEqual({ expected: arrived.length, missing: [], unexpected: [] });
  });

  it.each([
    ['an event that did not arrive', seen('IN_PROGRESS', 'SUCCESS'), 'SUCCESS', [], 1, 0],
    ['a missing event for an end that no poll saw', seen('IN_PROGRESS'), 'SUCCESS', [], 1, 0],
    ['an unexpected event', seen('IN_PROGRESS'), 'IN_PROGRESS', [event(1, 'succeeded')], 0, 1],
    [
      'the same event under two ids',
      seen('FAILED'),
      'FAILED',
      [event(1, 'failed'), event(1, 'failed', 'x')],
      0,
      1,
    ],
    ['a gap in the sequence numbers', seen('FAILED'), 'FAILED', [event(2, 'failed')], 1, 1],
  ])('reports %s', (_case, calls, last, arrived, missing, unexpected) => {
    const verdict = judge(new Map([['a', last]]), calls, arrived);
    expect(verdict.missing).toHaveLength(missing);
    expect(verdict.unexpected).toHaveLength(unexpected);
  });
});

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

describe('the demo', { timeout: 60_000 }, () => {
  it('shows the watcher at work and finds no fault', async () => {
    await using demo = startCommand(['demo', '--seconds', '6', '--executions', '12']);
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/→ (SUCCESS|FAILED|CANCELLED)/);
    expect(stdout).toMatch(/ 0 missing, 0 unexpected/);
    expect(code).toBe(0);
  });

  it('verifies the events after Ctrl-C, too', async () => {
    await using demo = startCommand(['demo', '--executions', '5']);
    await demo.line((line) => line.includes('→'));
    const { code, stdout } = await demo.kill('SIGINT');
    expect(stdout).toContain('no event lost');
    expect(code).toBe(0);
  });
});
