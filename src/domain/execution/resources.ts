/** A resource that an execution touched, as a list shows it. What AWS leaves out is UNKNOWN. */
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

/** What an execution did to resources. Truncated: not all of them were listed in time. */
export interface ResourceSummary {
  readonly counts: readonly ResourceCount[];
  readonly truncated: boolean;
}

/** For how long AWS is asked for the rest of a list that was truncated, counted from the end of the execution. */
export const COMPLETED_WITHIN_MS = 86_400_000;

/** Counts resources by action and status. */
export class ResourceTally {
  readonly #counts = new Map<string, ResourceCount>();

  add({ action, status }: TouchedResource): void {
    const key = `${action}\n${status}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { action, status, count });
  }

  /** In the order of the alphabet, so that the same resources give the same text. */
  summary(truncated: boolean): ResourceSummary {
    const keys = [...this.#counts.keys()].sort();
    return { counts: keys.flatMap((key) => this.#counts.get(key) ?? []), truncated };
  }
}
