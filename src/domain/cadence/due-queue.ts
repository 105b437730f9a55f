interface Entry<T> {
  readonly item: T;
  dueAt: number;
  index: number;
}

/**
 * A priority queue by due time whose items can be moved and removed: a binary heap that knows the index of each item. Every
 * operation takes at most logarithmic time. Due times may be any comparable numbers.
 */
export class DueQueue<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #entries = new Map<T, Entry<T>>();

  get size(): number {
    return this.#heap.length;
  }

  /** Returns the item that is due first and its due time, which may be in the future; undefined if the queue is empty. */
  peek(): { readonly item: T; readonly dueAt: number } | undefined {
    return this.#heap[0];
  }

  /** Returns all items in no particular order. */
  items(): IteratorObject<T> {
    return this.#entries.keys();
  }

  dueAt(item: T): number | undefined {
    return this.#entries.get(item)?.dueAt;
  }

  /** Adds the item, or changes its due time if it is already queued. */
  set(item: T, dueAt: number): void {
    const existing = this.#entries.get(item);
    const entry = existing ?? { item, dueAt, index: this.#heap.length };
    if (existing === undefined) {
      this.#heap.push(entry);
      this.#entries.set(item, entry);
    }
    entry.dueAt = dueAt;
    this.#sift(entry);
  }

  /** Removes the item and reports whether it was queued. */
  delete(item: T): boolean {
    const entry = this.#entries.get(item);
    if (entry === undefined) return false;
    this.#entries.delete(item);
    const last = this.#heap.pop();
    if (last !== undefined && last !== entry) {
      this.#put(last, entry.index);
      this.#sift(last);
    }
    return true;
  }

  #put(entry: Entry<T>, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }

  /** Moves an entry up or down until the heap is in order again. */
  #sift(entry: Entry<T>): void {
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
