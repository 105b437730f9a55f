import { describe, expect, it, vi } from 'vitest';
import { linkSignals, untilAborted } from '../../src/runtime/abort.ts';

describe('linkSignals', () => {
  it('aborts with the first of its signals and has its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    using linked = linkSignals([first.signal, undefined, second.signal]);
    expect(linked.signal.aborted).toBe(false);
    second.abort('enough');
    first.abort('too late');
    expect(linked.signal.reason).toBe('enough');
    expect(linked.hasTimedOut).toBe(false);
  });

  it('is already aborted if one of its signals is', () => {
    using linked = linkSignals([AbortSignal.abort('before')]);
    expect(linked.signal.reason).toBe('before');
  });

  it('aborts after its time limit', () => {
    vi.useFakeTimers();
    try {
      using linked = linkSignals([], 50);
      vi.advanceTimersByTime(49);
      expect(linked.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect(linked.signal.aborted && linked.hasTimedOut).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('removes its listeners and its timer when disposed', () => {
    vi.useFakeTimers();
    try {
      const source = new AbortController();
      const linked = linkSignals([source.signal], 50);
      linked[Symbol.dispose]();
      expect(vi.getTimerCount()).toBe(0);
      source.abort();
      expect(linked.signal.aborted).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('untilAborted', () => {
  const never = new Promise<never>(() => undefined);

  it('rejects with the reason of the signal, whether it aborts before or during the wait', async () => {
    const reason = new Error('enough');
    await expect(untilAborted(never, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const waiting = expect(untilAborted(never, abort.signal)).rejects.toBe(reason);
    abort.abort(reason);
    await waiting;
  });

  it('waits for the promise if it is too late to abort', async () => {
    const abort = new AbortController();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = untilAborted(promise, abort.signal, () => true);
    abort.abort();
    resolve('done');
    expect(await waiting).toBe('done');
  });
});
