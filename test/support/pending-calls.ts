/** Calls that have not settled yet. */
export interface PendingCalls {
  /** Returns a copy of the object whose calls are counted. */
  watched<T extends object>(object: T): T;
  /** Resolves with true when all pending calls have settled, or at once with false if there are none. */
  settled(): Promise<boolean>;
}

/** Counts calls that take real time, such as disk writes, so that a fake clock can wait for them. */
export function createPendingCalls(): PendingCalls {
  const calls = new Set<Promise<unknown>>();
  const watch = (answer: unknown): unknown => {
    if (!(answer instanceof Promise)) return answer;
    const forget = () => calls.delete(answer);
    calls.add(answer);
    answer.then(forget, forget);
    return answer;
  };
  return {
    watched(object) {
      const members = Object.entries(object).map(([name, member]: [string, unknown]) => {
        if (typeof member !== 'function') return [name, member];
        return [name, (...args: readonly unknown[]): unknown => watch(Reflect.apply(member, object, args))];
      });
      return { ...object, ...(Object.fromEntries(members) as Partial<typeof object>) };
    },
    async settled() {
      if (calls.size === 0) return false;
      await Promise.allSettled(calls);
      return true;
    },
  };
}
