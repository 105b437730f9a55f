/** Delays the results of the store: a write resolves once it is on disk, a read once everything that it saw is on disk. */
export interface Durability {
  /** Resolves once the write is on disk. */
  readonly write: <T>(work: Promise<T>) => Promise<T>;
  /** Like `write`, for something that others can read as soon as `work` calls `onCommit`. */
  readonly publish: <T>(work: (onCommit: () => void) => Promise<T>) => Promise<T>;
  /** Resolves with the result of `work` once nothing that it read can be lost. */
  readonly show: <T>(work: Promise<T>) => Promise<T>;
}

/** `sync` resolves once everything committed before the call is on disk. */
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
      // A write that still waits for its turn has not been seen yet, so no read waits for it.
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
 * Shares one call of `sync` among all callers that ask before it begins. If it fails, so do all later calls: the system may
 * have dropped the data that it could not write, and does not report that twice.
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
