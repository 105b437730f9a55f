import { describe, expect, it, onTestFinished } from 'vitest';
import { Deadlines } from '../../../src/polling/executions/deadlines.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function watchDeadlines(onPassed: (item: string) => void = () => undefined) {
  const clock = createFakeClock();
  const stopping = new AbortController();
  const passed: string[] = [];
  const logged: object[] = [];
  const silent = () => undefined;
  const log = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (fields: object) => void logged.push(fields),
  };
  const deadlines = new Deadlines<string>({ clock, log });
  const watching = deadlines.watch((item) => {
    onPassed(item);
    passed.push(item);
  }, stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await watching;
  });
  return { clock, deadlines, passed, logged, startAt: clock.now() };
}

describe('deadlines', () => {
  it('pass in order, each once and on time', async () => {
    const { clock, deadlines, passed, startAt } = watchDeadlines();
    deadlines.set('late', startAt + 60_000);
    deadlines.set('soon', startAt + 1500);
    deadlines.set('never', startAt + 2000);
    deadlines.set('never', undefined);
    await clock.advance(1499);
    expect(passed).toEqual([]);
    await clock.advance(1);
    expect(passed).toEqual(['soon']);
    await clock.advance(3_600_000);
    expect(passed).toEqual(['soon', 'late']);
  });

  it('can be moved, and can be set again when they pass', async () => {
    const { clock, deadlines, passed, startAt } = watchDeadlines((item) => {
      if (item === 'again' && clock.now() < startAt + 5000) deadlines.set(item, startAt + 5000);
    });
    deadlines.set('moved', startAt + 60_000);
    await clock.advance(100);
    deadlines.set('moved', startAt + 200);
    deadlines.set('again', startAt + 300);
    await clock.advance(200);
    expect(passed).toEqual(['moved', 'again']);
    await clock.advance(5000);
    expect(passed).toEqual(['moved', 'again', 'again']);
  });

  it('are retried a second after a failure', async () => {
    let failures = 2;
    const { clock, deadlines, passed, logged, startAt } = watchDeadlines(() => {
      if (failures-- > 0) throw new Error('disk full');
    });
    deadlines.set('a', startAt + 100);
    await clock.advance(1100);
    expect(passed).toEqual([]);
    await clock.advance(1000);
    expect(passed).toEqual(['a']);
    expect(logged).toHaveLength(2);
  });
});
