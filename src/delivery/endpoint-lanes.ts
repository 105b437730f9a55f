import type { Destination } from './attempter.ts';
import type { Lane, LimitedReceiver } from './lane.ts';
import { LaneSet } from './lane-set.ts';
import type { CreateLane } from './lane-set.ts';

/** A configured receiver. All its deliveries go to one URL. */
export interface Endpoint extends LimitedReceiver, Destination {}

/** Makes the deliveries to configured endpoints, in one lane for each. */
export class EndpointLanes {
  readonly #createLane: CreateLane;
  readonly #lanes = new LaneSet();
  #endpoints: ReadonlyMap<string, Endpoint> = new Map();

  constructor(createLane: CreateLane, endpoints: readonly Endpoint[]) {
    this.#createLane = createLane;
    void this.apply(endpoints);
  }

  start(): void {
    this.#lanes.start();
  }

  /** Replaces the endpoints. Resolves once nothing is in flight to those that were removed. */
  async apply(endpoints: readonly Endpoint[]): Promise<void> {
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.lane, endpoint]));
    const removed = [...this.#lanes.names()].filter((name) => !this.#endpoints.has(name));
    const closed = Promise.all(removed.map((name) => this.#lanes.close(name)));
    for (const endpoint of endpoints) {
      const lane = this.#lanes.get(endpoint.lane);
      if (lane === undefined) this.#open(endpoint);
      else lane.apply(endpoint);
    }
    await closed;
  }

  /** Wakes the lanes of an endpoint, or all if no name is given. Returns false if there are none. */
  wake(name?: string): boolean {
    const lanes = name === undefined ? [...this.#lanes] : this.find(name);
    for (const lane of lanes) lane.wake();
    return lanes.length > 0;
  }

  /** Returns the lane with this name, or else all lanes of the endpoint with this name. */
  find(name: string): readonly Lane[] {
    const lane = this.#lanes.get(name);
    return lane === undefined ? [...this.#lanes].filter(({ receiver }) => receiver.name === name) : [lane];
  }

  /** Begins no more attempts. Resolves once those in flight are settled. */
  stop(): Promise<void> {
    return this.#lanes.stop();
  }

  #open(endpoint: Endpoint): void {
    this.#lanes.add(this.#createLane(endpoint, () => this.#endpoints.get(endpoint.lane)));
  }
}
