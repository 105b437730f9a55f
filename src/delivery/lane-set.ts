import type { DestinationOf, Lane, LimitedReceiver } from './lane.ts';

export type CreateLane = (receiver: LimitedReceiver, destinationOf: DestinationOf) => Lane;

/** The open lanes by name, and those that are closing. */
export class LaneSet {
  readonly #lanes = new Map<string, Lane>();
  /** Closed lanes, until their last attempts are settled. */
  readonly #closing = new Set<Promise<void>>();
  #isStarted = false;

  get(name: string): Lane | undefined {
    return this.#lanes.get(name);
  }

  names(): Iterable<string> {
    return this.#lanes.keys();
  }

  [Symbol.iterator](): Iterator<Lane> {
    return this.#lanes.values();
  }

  /** Starts the lanes that are open, and from now on each that is added. */
  start(): void {
    this.#isStarted = true;
    for (const lane of this.#lanes.values()) lane.start();
  }

  add(lane: Lane): void {
    this.#lanes.set(lane.receiver.lane, lane);
    if (this.#isStarted) lane.start();
  }

  /** Removes a lane. Resolves once its last attempts are settled. */
  async close(name: string): Promise<void> {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    this.#lanes.delete(name);
    const closed = lane.stop();
    this.#closing.add(closed);
    await closed;
    this.#closing.delete(closed);
  }

  /** Removes all lanes. Resolves once their last attempts are settled, and those of lanes that were closed earlier. */
  async closeAll(): Promise<void> {
    for (const name of this.#lanes.keys()) void this.close(name);
    await Promise.all(this.#closing);
  }

  /** Stops all lanes, but keeps them open. Resolves once all attempts are settled, those of closed lanes included. */
  async stop(): Promise<void> {
    await Promise.all([...this.#lanes.values().map((lane) => lane.stop()), ...this.#closing]);
  }
}
