import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createDurability, createGroupSync } from '../../../src/store/sqlite/durability.ts';

/** A sync that ends when it is published to. */
function heldSync() {
  const calls: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const sync = vi.fn(() => new Promise<void>((resolve, reject) => calls.push({ resolve, reject })));
  return { sync, calls };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = () => (isSettled = true);
  promise.then(settle, settle);
  await setImmediate();
  return !isSettled;
}

describe('a group sync', () => {
  it('serves all callers that ask before it begins, and later callers with another sync', async () => {
    const { sync, calls } = heldSync();
    const synced = createGroupSync(sync);
    const first = [synced(), synced()];
    await setImmediate();
    expect(sync).toHaveBeenCalledOnce();
    const second = [synced(), synced()];
    expect(await isPending(first[0]!)).toBe(true);
    calls[0]!.resolve();
    await Promise.all(first);
    expect(await isPending(second[0]!)).toBe(true);
    expect(sync).toHaveBeenCalledTimes(2);
    calls[1]!.resolve();
    await Promise.all(second);
  });

  it('keeps failing once it has failed, because unwritten data may be lost', async () => {
    const { sync, calls } = heldSync();
    const synced = createGroupSync(sync);
    const failing = expect(synced()).rejects.toThrow('EIO');
    await setImmediate();
    calls[0]!.reject(new Error('EIO'));
    await failing;
    await expect(synced()).rejects.toThrow('EIO');
    await expect(synced()).rejects.toThrow('EIO');
    expect(sync).toHaveBeenCalledOnce();
  });
});

describe('durability', () => {
  it('lets a write resolve once it is on disk', async () => {
    const { sync, calls } = heldSync();
    const { write } = createDurability(sync);
    const written = write(Promise.resolve('done'));
    expect(await isPending(written)).toBe(true);
    calls[0]!.resolve();
    expect(await written).toBe('done');
  });

  it('syncs nothing for a write that failed', async () => {
    const { sync } = heldSync();
    const { write } = createDurability(sync);
    await expect(write(Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(sync).not.toHaveBeenCalled();
  });

  it('shows nothing that can still be lost', async () => {
    const { sync, calls } = heldSync();
    const { publish, show, write } = createDurability(sync);
    const published = publish(async (onCommit) => {
      await Promise.resolve();
      onCommit();
    });
    await setImmediate();
    const shown = show(Promise.resolve('event'));
    expect(await isPending(shown)).toBe(true);
    calls[0]!.resolve();
    await published;
    expect(await shown).toBe('event');
    const other = write(Promise.resolve());
    expect(await show(Promise.resolve('event'))).toBe('event');
    expect(await isPending(other)).toBe(true);
  });

  it('does not wait for a publication that still waits for its turn', async () => {
    const { sync, calls } = heldSync();
    const { publish, show } = createDurability(sync);
    const turn = Promise.withResolvers<undefined>();
    const published = publish(async (onCommit) => {
      await turn.promise;
      onCommit();
    });
    expect(await show(Promise.resolve('before'))).toBe('before');
    turn.resolve(undefined);
    await setImmediate();
    const shown = show(Promise.resolve('after'));
    expect(await isPending(shown)).toBe(true);
    calls[0]!.resolve();
    await published;
    expect(await shown).toBe('after');
  });

  it('still shows results if a publication fails', async () => {
    const { sync } = heldSync();
    const { publish, show } = createDurability(sync);
    const failing = expect(publish(() => Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(await show(Promise.resolve('event'))).toBe('event');
    await failing;
  });
});
