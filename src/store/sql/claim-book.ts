import type { ClaimedDelivery } from '../../delivery/outbox.ts';

type Claim = Pick<ClaimedDelivery, 'id' | 'claim' | 'lane'>;

/** The deliveries that are being attempted. */
export interface Claims {
  /** Records that a claim holds its delivery, and replaces any earlier claim. */
  hold(claim: Claim): void;
  isHeld(id: number): boolean;
  /** Reports whether this claim, rather than another one, holds the delivery. */
  isHeldBy(claim: Pick<Claim, 'id' | 'claim'>): boolean;
  release(id: number): void;
  releaseLane(lane: string): void;
  countOf(lane: string): number;
}

/**
 * Keeps claims in memory. Only the owner of a lane claims from it, so no other process needs to see its claims, and they end
 * with the process however it ends.
 */
export class ClaimBook implements Claims {
  readonly #held = new Map<number, Claim>();
  readonly #lanes = new Map<string, Set<number>>();

  hold({ id, claim, lane }: Claim): void {
    this.release(id);
    this.#held.set(id, { id, claim, lane });
    const ids = this.#lanes.get(lane) ?? new Set<number>();
    this.#lanes.set(lane, ids.add(id));
  }

  isHeld(id: number): boolean {
    return this.#held.has(id);
  }

  isHeldBy({ id, claim }: Pick<Claim, 'id' | 'claim'>): boolean {
    return this.#held.get(id)?.claim === claim;
  }

  release(id: number): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    const ids = this.#lanes.get(held.lane);
    ids?.delete(id);
    if (ids?.size === 0) this.#lanes.delete(held.lane);
  }

  releaseLane(lane: string): void {
    for (const id of this.#lanes.get(lane) ?? []) this.release(id);
  }

  countOf(lane: string): number {
    return this.#lanes.get(lane)?.size ?? 0;
  }
}
