/** Lets the store's methods resolve when they should: what is written once it is on disk, what is read once all of it is. */
export interface Durability {
  /** A write. */
  readonly write: <T>(work: Promise<T>) => Promise<T>;
  /** A write of something that is told to the outside as soon as it can be read. */
  readonly tell: <T>(work: Promise<T>) => Promise<T>;
  /** A read of what is told: nothing of it may be lost afterwards. */
  readonly show: <T>(work: Promise<T>) => Promise<T>;
}

/** `sync` resolves once everything that has been committed before its call is on disk. */
export function createDurability(sync: () => Promise<void>): Durability {
  const telling = new Set<Promise<unknown>>();
  const write = async <T>(work: Promise<T>) => {
    const result = await work;
    await sync();
    return result;
  };
  return {
    write,
    tell(work) {
      const written = write(work);
      const forget = () => telling.delete(written);
      telling.add(written);
      written.then(forget, forget);
      return written;
    },
    async show(work) {
      const result = await work;
      if (telling.size > 0) await Promise.allSettled(telling);
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
