import { afterEach, describe, expect, it, vi } from 'vitest';
import { untilStopped } from '../../../src/commands/terminal/until-stopped.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const before = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));

/** Returns functions that send a signal to this process and let time pass, and the spy on its exit. */
function startWaiting() {
  let now = 5000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  const stopped = untilStopped();
  return {
    stopped,
    exit,
    send: (name: NodeJS.Signals) => process.emit(name, name),
    pass: (ms: number) => (now += ms),
  };
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const name of SIGNALS)
    for (const listener of process.listeners(name))
      if (before.get(name)?.includes(listener) !== true) process.off(name, listener);
});

describe('a command that runs until a signal', () => {
  it('ends in order if Ctrl-C arrives twice, as it does under npm', async () => {
    const { stopped, exit, send, pass } = startWaiting();
    send('SIGINT');
    pass(300);
    send('SIGINT');
    expect(await stopped).toBe('SIGINT');
    expect(exit).not.toHaveBeenCalled();
  });

  it.each(SIGNALS)('ends at once if %s comes after a second or later', (second) => {
    const { exit, send, pass } = startWaiting();
    send('SIGINT');
    pass(1000);
    send(second);
    expect(exit).toHaveBeenCalledWith(1);
  });
});
