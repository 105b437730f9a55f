/** A resource that an execution touched. Members that AWS leaves out are UNKNOWN. */
export interface TouchedResource {
  readonly resourceId?: string;
  readonly action: string;
  readonly status: string;
}

export interface ResourceCount {
  readonly action: string;
  readonly status: string;
  readonly count: number;
}

/** The number of resources by action and status. `truncated` if not all of them were listed in time. */
export interface ResourceSummary {
  readonly counts: readonly ResourceCount[];
  readonly truncated: boolean;
}

/** The time after the end of an execution during which a truncated list is requested again. */
export const COMPLETED_WITHIN_MS = 86_400_000;

/** Counts resources by action and status. */
export class ResourceTally {
  readonly #counts = new Map<string, ResourceCount>();

  add({ action, status }: TouchedResource): void {
    const key = `${action}\n${status}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { action, status, count });
  }

  /** Returns the counts in alphabetical order, so that equal resources give equal text. */
  summary(truncated: boolean): ResourceSummary {
    const keys = [...this.#counts.keys()].sort();
    return { counts: keys.flatMap((key) => this.#counts.get(key) ?? []), truncated };
  }
}
