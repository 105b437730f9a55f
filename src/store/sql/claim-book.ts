import type { ClaimedDelivery } from '../../delivery/outbox.ts';

type Claim = Pick<ClaimedDelivery, 'id' | 'claim'>;

/** The deliveries that are being attempted. */
export interface Claims {
  /** Lets a claim hold its delivery until `endsAt`, in place of any earlier claim. */
  take(claim: Claim, lane: string, endsAt: number): void;
  isTaken(id: number): boolean;
  /** Returns true if this very claim holds the delivery. */
  holds(claim: Claim): boolean;
  end(id: number): void;
  /** Ends the claims of a lane that have expired by `now`. */
  endUntil(lane: string, now: number): void;
  endAll(lane: string): void;
  countOf(lane: string): number;
  /** Returns when the first claim of a lane ends; Infinity if it has none. */
  nextEnd(lane: string): number;
}

interface Held {
  readonly claim: string;
  readonly lane: string;
  readonly endsAt: number;
}

/**
 * Keeps claims in memory. Only the owner of a lane claims from it, so nobody else needs to know of its claims, and however a
 * process ends, its claims end with it.
 */
export class ClaimBook implements Claims {
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

  endUntil(lane: string, now: number): void {
    for (const [id, { endsAt }] of this.#lanes.get(lane) ?? []) if (endsAt <= now) this.end(id);
  }

  endAll(lane: string): void {
    this.endUntil(lane, Infinity);
  }

  countOf(lane: string): number {
    return this.#lanes.get(lane)?.size ?? 0;
  }

  nextEnd(lane: string): number {
    let next = Infinity;
    for (const { endsAt } of this.#lanes.get(lane)?.values() ?? []) next = Math.min(next, endsAt);
    return next;
  }
}
