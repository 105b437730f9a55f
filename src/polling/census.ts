import type { Execution } from '../domain/execution/execution.ts';
import { statusLabel } from '../domain/execution/status.ts';
import type { StatusLabel } from '../domain/execution/status.ts';

/** How many executions there are of each kind, counted as they change: nobody walks through a million to tell. */
export class Census {
  readonly #statuses = new Map<StatusLabel, number>();
  #stalled = 0;
  #seen = 0;
  #seenMissing = 0;

  add(execution: Execution): void {
    this.#count(execution, 1);
  }

  remove(execution: Execution): void {
    this.#count(execution, -1);
  }

  /** How many are in each status, where any are. */
  get statuses(): ReadonlyMap<StatusLabel, number> {
    return this.#statuses;
  }

  get stalled(): number {
    return this.#stalled;
  }

  /** How many were seen at least once, if the last answer of every one of them is that it is missing; else zero. */
  get allMissing(): number {
    return this.#seenMissing === this.#seen ? this.#seen : 0;
  }

  #count({ status, stalledAt, absence }: Execution, by: 1 | -1): void {
    const label = statusLabel(status);
    this.#statuses.set(label, (this.#statuses.get(label) ?? 0) + by);
    if (stalledAt !== undefined) this.#stalled += by;
    if (status === undefined) return;
    this.#seen += by;
    if (absence !== undefined) this.#seenMissing += by;
  }
}
