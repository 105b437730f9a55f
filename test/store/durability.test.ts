import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createDurability, createGroupSync } from '../../src/store/durability.ts';

/** A sync that ends when it is told to. */
function heldSync() {
  const calls: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const sync = vi.fn(() => new Promise<void>((resolve, reject) => calls.push({ resolve, reject })));
  return { sync, calls };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await setImmediate();
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve('pending')])) === 'pending';
}

describe('a group sync', () => {
  it('serves all who ask before it begins, and those who ask later by another one', async () => {
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

  it('fails for ever once it failed: what was not written then may be lost', async () => {
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

  it('shows nothing that could still be lost', async () => {
    const { sync, calls } = heldSync();
    const { tell, show, write } = createDurability(sync);
    const told = tell(Promise.resolve());
    const shown = show(Promise.resolve('event'));
    expect(await isPending(shown)).toBe(true);
    calls[0]!.resolve();
    await told;
    expect(await shown).toBe('event');
    const other = write(Promise.resolve());
    expect(await show(Promise.resolve('event'))).toBe('event');
    expect(await isPending(other)).toBe(true);
  });

  it('shows what there is though something could not be told', async () => {
    const { sync } = heldSync();
    const { tell, show } = createDurability(sync);
    const failing = expect(tell(Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(await show(Promise.resolve('event'))).toBe('event');
    await failing;
  });
});
