import type { ClaimedDelivery } from './outbox.ts';

type Claim = Pick<ClaimedDelivery, 'id' | 'claim'>;

interface Held {
  readonly claim: string;
  readonly lane: string;
  readonly endsAt: number;
}

/**
 * Which deliveries are being attempted, in memory: where one process has the whole store, nobody else needs to know, and what it
 * had claimed is free when it has ended, in whatever way.
 */
export class ClaimBook {
  readonly #held = new Map<number, Held>();
  readonly #lanes = new Map<string, Map<number, Held>>();

  take({ id, claim }: Claim, lane: string, endsAt: number): void {
    this.end(id);
    const held = { claim, lane, endsAt };
    this.#held.set(id, held);
    const ofLane = this.#lanes.get(lane) ?? new Map<number, Held>();
    this.#lanes.set(lane, ofLane.set(id, held));
  }

  isTaken(id: number): boolean {
    return this.#held.has(id);
  }

  /** Whether it is this very claim that is held. */
  holds({ id, claim }: Claim): boolean {
    return this.#held.get(id)?.claim === claim;
  }

  end(id: number): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    const ofLane = this.#lanes.get(held.lane);
    ofLane?.delete(id);
    if (ofLane?.size === 0) this.#lanes.delete(held.lane);
  }

  /** Ends the claims of a lane whose time is over by `now`. */
  endUntil(lane: string, now: number): void {
    for (const [id, { endsAt }] of this.#lanes.get(lane) ?? []) if (endsAt <= now) this.end(id);
  }

  endAll(lane: string): void {
    this.endUntil(lane, Infinity);
  }

  countOf(lane: string): number {
    return this.#lanes.get(lane)?.size ?? 0;
  }

  /** When the first claim of a lane ends; Infinity where it has none. */
  nextEnd(lane: string): number {
    let next = Infinity;
    for (const { endsAt } of this.#lanes.get(lane)?.values() ?? []) next = Math.min(next, endsAt);
    return next;
  }
}
