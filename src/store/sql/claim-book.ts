import type { ClaimedDelivery } from '../../delivery/outbox.ts';

type Claim = Pick<ClaimedDelivery, 'id' | 'claim'>;

/** Which deliveries are being attempted. */
export interface Claims {
  /** Holds a delivery for a claim, in place of any other, until `endsAt`. */
  take(claim: Claim, lane: string, endsAt: number): void;
  isTaken(id: number): boolean;
  /** Whether it is this very claim that is held. */
  holds(claim: Claim): boolean;
  end(id: number): void;
  /** Ends the claims of a lane whose time is over by `now`. */
  endUntil(lane: string, now: number): void;
  endAll(lane: string): void;
  countOf(lane: string): number;
  /** When the first claim of a lane ends; Infinity if it has none. */
  nextEnd(lane: string): number;
}

interface Held {
  readonly claim: string;
  readonly lane: string;
  readonly endsAt: number;
}

/**
 * Claims in memory. Whoever owns a lane is the only one that claims from it, so nobody else needs to know; and what a process
 * had claimed is free once it has ended, in whatever way.
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
