import type { Execution } from '../../domain/execution/execution.ts';
import { statusLabel } from '../../domain/execution/status.ts';
import type { StatusLabel } from '../../domain/execution/status.ts';

/** Counts executions as they change, so that nobody has to walk through a million of them. */
export class StatusCounts {
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

  /** The number of executions in each status that any has. */
  get statuses(): ReadonlyMap<StatusLabel, number> {
    return this.#statuses;
  }

  get stalled(): number {
    return this.#stalled;
  }

  /** The number of executions that were seen at least once if the last answer about each of them was "missing"; otherwise 0. */
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
