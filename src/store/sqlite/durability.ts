/** Decides when the store's methods resolve: a write once it is on disk, a read once everything that it saw is. */
export interface Durability {
  /** Resolves once the write is on disk. */
  readonly write: <T>(work: Promise<T>) => Promise<T>;
  /** Like `write`, for something that others can read as soon as `work` calls `onCommit`. */
  readonly publish: <T>(work: (onCommit: () => void) => Promise<T>) => Promise<T>;
  /** Resolves with what was read once nothing of it can be lost any more. */
  readonly show: <T>(work: Promise<T>) => Promise<T>;
}

/** `sync` resolves once everything that has been committed before its call is on disk. */
export function createDurability(sync: () => Promise<void>): Durability {
  const publishing = new Set<Promise<unknown>>();
  const write = async <T>(work: Promise<T>) => {
    const result = await work;
    await sync();
    return result;
  };
  return {
    write,
    publish(work) {
      // Nobody can have seen a write that still waits for its turn, so nobody waits for it.
      const written = write(work(() => publishing.add(written)));
      const forget = () => publishing.delete(written);
      written.then(forget, forget);
      return written;
    },
    async show(work) {
      const result = await work;
      if (publishing.size > 0) await Promise.allSettled(publishing);
      return result;
    },
  };
}

/**
 * Makes one call of `sync` serve everybody who asks meanwhile. Once a call has failed, all others fail, too: the system may
 * have dropped what it could not write, and does not report that twice.
 */
export function createGroupSync(sync: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      running = sync();
      return running;
    });
    return next;
  };
}
