import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Outbox } from './outbox.ts';
import type { DeliveryRequest, Sender } from './sending/sender.ts';
import type { Settler } from './settler.ts';

/** Where a delivery goes, and what it is signed with. */
export type Destination = Pick<DeliveryRequest, 'url' | 'secrets' | 'format'>;

/** Who deliveries are made to, and how. */
export interface Receiver {
  /** Under which its deliveries are claimed: one lane has slots, a rate and health of its own. */
  readonly lane: string;
  /** Under which it is counted and shown. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly requestsPerSecond: number;
}

/** A receiver that is configured, always at one place. */
export interface Endpoint extends Receiver, Destination {}

/** What all lanes share. */
export interface LaneParts {
  readonly outbox: Pick<Outbox, 'claim' | 'release' | 'nextDueAt'>;
  readonly sender: Pick<Sender, 'send'>;
  readonly settler: Pick<Settler, 'settle' | 'isFailing'>;
  /** Receivers that fail let those that are well go first, and act together: what is done at once costs less. */
  readonly failingBeat: () => Promise<void>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Cuts off what is in flight. */
  readonly cutOff: AbortSignal;
  readonly notices: Notices;
}
