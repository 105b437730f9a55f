interface Entry<T> {
  readonly item: T;
  dueAt: number;
  index: number;
}

/**
 * A priority queue by due time in which an item can be moved and removed: a binary heap with the place of each item
 * remembered. All operations cost at most the logarithm of the size. Times are any numbers that compare.
 */
export class DueQueue<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #entries = new Map<T, Entry<T>>();

  get size(): number {
    return this.#heap.length;
  }

  /** The item due first and its time, which may lie ahead. */
  peek(): { readonly item: T; readonly dueAt: number } | undefined {
    return this.#heap[0];
  }

  /** All items, in no order. */
  items(): IteratorObject<T> {
    return this.#entries.keys();
  }

  dueAt(item: T): number | undefined {
    return this.#entries.get(item)?.dueAt;
  }

  /** Puts the item in at `dueAt`, or moves it there. */
  set(item: T, dueAt: number): void {
    const known = this.#entries.get(item);
    const entry = known ?? { item, dueAt, index: this.#heap.length };
    if (known === undefined) {
      this.#heap.push(entry);
      this.#entries.set(item, entry);
    }
    entry.dueAt = dueAt;
    this.#settle(entry);
  }

  /** Whether the item was there. */
  delete(item: T): boolean {
    const entry = this.#entries.get(item);
    if (entry === undefined) return false;
    this.#entries.delete(item);
    const last = this.#heap.pop();
    if (last !== undefined && last !== entry) {
      this.#put(last, entry.index);
      this.#settle(last);
    }
    return true;
  }

  #put(entry: Entry<T>, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }

  /** Moves an entry up, then down, to where the heap is in order again. */
  #settle(entry: Entry<T>): void {
    for (let parent = this.#parentOf(entry); parent !== undefined && entry.dueAt < parent.dueAt;) {
      this.#swap(entry, parent);
      parent = this.#parentOf(entry);
    }
    for (let child = this.#firstChildOf(entry); child !== undefined && child.dueAt < entry.dueAt;) {
      this.#swap(entry, child);
      child = this.#firstChildOf(entry);
    }
  }

  #swap(a: Entry<T>, b: Entry<T>): void {
    const index = a.index;
    this.#put(a, b.index);
    this.#put(b, index);
  }

  #parentOf(entry: Entry<T>): Entry<T> | undefined {
    return entry.index === 0 ? undefined : this.#heap[(entry.index - 1) >> 1];
  }

  #firstChildOf(entry: Entry<T>): Entry<T> | undefined {
    const left = this.#heap[2 * entry.index + 1];
    const right = this.#heap[2 * entry.index + 2];
    return right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left;
  }
}
