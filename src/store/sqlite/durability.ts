/** Lets the store's methods resolve when they should: a write once it is on disk, a read once all of what it saw is. */
export interface Durability {
  /** A write. */
  readonly write: <T>(work: Promise<T>) => Promise<T>;
  /** A write of something that is shown to others as soon as it can be read: from when `work` calls `onCommit`. */
  readonly publish: <T>(work: (onCommit: () => void) => Promise<T>) => Promise<T>;
  /** A read of what is published: nothing of it may be lost afterwards. */
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
      // What still waits for its turn can have been seen by nobody, so nobody waits for it.
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
 * Makes one call of `sync` serve all who ask meanwhile. After one that failed all others fail: what the system could not
 * write then it may have dropped, and it does not say so again.
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
