/** Calls that have not been answered yet. */
export interface Outstanding {
  /** The same object, its calls watched. */
  watched<T extends object>(object: T): T;
  /** Resolves at once where nothing is outstanding, with false; else when all of it has been answered, with true. */
  settled(): Promise<boolean>;
}

/** Watches calls that really take their time, such as those that write to a disk, for a clock that does not. */
export function createOutstanding(): Outstanding {
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
