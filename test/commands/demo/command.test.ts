import { describe, expect, it } from 'vitest';
import { startCommand } from '../../support/daemon.ts';

describe('the demo', { timeout: 60_000 }, () => {
  it('shows the watcher at work and finds no fault', async () => {
    await using demo = startCommand(['demo', '--seconds', '6', '--executions', '12']);
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/→ (SUCCESS|FAILED|CANCELLED)/);
    expect(stdout).toMatch(/ 0 missing, 0 unexpected/);
    expect(code).toBe(0);
  });

  it('says that it ends at Ctrl-C, and then verifies the events, too', async () => {
    await using demo = startCommand(['demo', '--executions', '5']);
    await demo.line((line) => line.includes('Press Ctrl-C'));
    await demo.line((line) => line.includes('→'));
    const { code, stdout } = await demo.kill('SIGINT');
    expect(stdout).toContain('no event lost');
    expect(code).toBe(0);
  });
});
