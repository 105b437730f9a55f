import { describe, expect, it } from 'vitest';
import { createProgress } from '../../../src/commands/wait/progress.ts';
import { anObservation } from '../../support/executions.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

describe('progress', () => {
  function progressOn(isTTY: boolean) {
    const clock = createFakeClock();
    const written: string[] = [];
    const progress = createProgress({ isTTY, write: (text) => written.push(text) }, 'lce-1', clock);
    return { clock, progress, written: () => written.splice(0).join('') };
  }

  it('shows a status line on a terminal', async () => {
    const { clock, progress, written } = progressOn(true);
    expect(written()).toBe('\r\u001b[Klce-1  not seen yet  0 s');
    progress.onSeen(anObservation('IN_PROGRESS', clock.now(), { startTime: clock.now() - 60_000 }));
    expect(written()).toBe('\r\u001b[Klce-1  IN_PROGRESS\n');
    progress.onFailure({ outcome: 'unavailable', message: 'reset' });
    await clock.advance(1000);
    expect(written()).toBe('');
    progress.end({ kind: 'timed_out', status: 'IN_PROGRESS' });
    progress.close();
    expect(written()).toBe('\r\u001b[Ktimed out after 1 s; the last status was IN_PROGRESS\n');
  });

  it('prints plain lines to a pipe, with only the first failure in a row', () => {
    const { clock, progress, written } = progressOn(false);
    progress.onFailure({ outcome: 'throttled', message: 'slow down' });
    progress.onFailure({ outcome: 'unavailable', message: 'reset' });
    progress.onFailure({ outcome: 'unavailable', message: 'reset' });
    expect(written()).toBe('lce-1  unavailable: reset\n');
    progress.onSeen(anObservation('PENDING', clock.now()));
    progress.onSeen(anObservation('PENDING', clock.now()));
    expect(written()).toBe('lce-1  PENDING\n');
    progress.end({ kind: 'broken', message: 'reset' });
    progress.close();
    expect(written()).toBe('gave up after 0 s\n');
  });
});
