import { endpointTestBody } from '../domain/change/test-event.ts';
import { CALLBACK_ENDPOINT, isCallbackLane } from '../domain/delivery/callback.ts';
import type { AttemptResult } from '../domain/delivery/delivery.ts';
import type { Notices } from '../notices/notices.ts';
import { endsWithin, linkSignals, onAbort } from '../runtime/abort.ts';
import { createBeat } from '../runtime/beat.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { Attempter } from './attempter.ts';
import { CallbackLanes } from './callback-lanes.ts';
import type { CallbackSecrets } from './callback-lanes.ts';
import { EndpointLanes } from './endpoint-lanes.ts';
import type { Endpoint } from './endpoint-lanes.ts';
import { Lane } from './lane.ts';
import type { CreateLane } from './lane-set.ts';
import type { Outbox } from './outbox.ts';
import type { Sender } from './sending/sender.ts';
import { Settler } from './settler.ts';

export interface DispatcherOptions {
  readonly outbox: Outbox;
  readonly sender: Pick<Sender, 'send'>;
  readonly notices: Notices;
  readonly clock: Clock;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** Returns an id for a test event. */
  readonly newId: () => string;
  readonly log: Log;
  /** The endpoints at the start; `apply` replaces them. */
  readonly endpoints: readonly Endpoint[];
  readonly callbackSecrets: CallbackSecrets;
}

/** Delivers events from the outbox, in a lane of its own for each endpoint and each origin of callbacks. */
export interface Dispatcher {
  start(): void;
  /**
   * Replaces the endpoints. Attempts in flight end as they began. Resolves once none is in flight to an endpoint that was
   * removed.
   */
  apply(endpoints: readonly Endpoint[]): Promise<void>;
  /** Must be called when callbacks are no longer configured. Resolves once none is in flight. */
  endCallbacks(): Promise<void>;
  /** Must be called when deliveries of this endpoint or lane are new or due again, without a name if they may be of any. */
  wake(name?: string): void;
  /**
   * Sends a test event at once, whether or not the endpoint is enabled, and stores nothing. Resolves with undefined if there is
   * no such endpoint.
   */
  test(endpoint: string, signal: AbortSignal): Promise<TestEventResult | undefined>;
  /**
   * Begins no more attempts, and waits for those in flight, test events included, until `limit` aborts. Attempts without an answer
   * are then cut off; those of deliveries are made again after the next start.
   */
  stop(limit: AbortSignal): Promise<void>;
}

export interface TestEventResult extends Omit<AttemptResult, 'retryAfterMs'> {
  readonly eventId: string;
  readonly durationSeconds: number;
}

/** Twenty failing receivers take 31 % of a processor's time at 420 attempts a second, and 37 % without this beat. */
const FAILING_BEAT_MS = 25;
/** Claiming for and starting four failing lanes can block healthy ones for up to 1 ms. */
const FAILING_AT_ONCE = 4;
/** The time that a stop has after its limit to settle the attempts that had an answer. */
const LAST_SETTLEMENTS_MS = 1000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { outbox, sender, notices, clock, random, newId, log, endpoints, callbackSecrets } = options;
  const cutOff = new AbortController();
  const settler = new Settler({ outbox, notices, clock, log, cutOff: cutOff.signal });
  const attempter = new Attempter({ sender, settler, notices, clock, random, cutOff: cutOff.signal });
  const failingBeat = createBeat(clock, FAILING_BEAT_MS, FAILING_AT_ONCE);
  const createLane: CreateLane = (receiver, destinationOf) =>
    new Lane({ outbox, attempter, failingBeat, clock, log }, receiver, destinationOf);
  const endpointLanes = new EndpointLanes(createLane, endpoints);
  const callbackLanes = new CallbackLanes({ outbox, createLane, callbackSecrets, clock, log });
  const testsInFlight = new Set<Promise<TestEventResult>>();
  const runTest = async (lane: Lane, signal: AbortSignal): Promise<TestEventResult> => {
    const eventId = newId();
    const body = endpointTestBody(lane.receiver.name, eventId, clock.now());
    using linked = linkSignals([signal, cutOff.signal]);
    const finished = await lane.send({ eventId, body }, linked.signal);
    if (finished === undefined)
      return { eventId, outcome: 'unreachable', error: 'cut off', durationSeconds: 0 };
    const { retryAfterMs: _, ...result } = finished.result;
    return { eventId, ...result, durationSeconds: finished.durationSeconds };
  };

  return {
    start() {
      endpointLanes.start();
      callbackLanes.start();
    },
    apply: (next) => endpointLanes.apply(next),
    endCallbacks: () => callbackLanes.closeAll(),
    wake(name) {
      const isEndpoint = endpointLanes.wake(name);
      if (name === undefined || name === CALLBACK_ENDPOINT) callbackLanes.wake();
      // The name may be that of an endpoint that was removed.
      else if (!isEndpoint && isCallbackLane(name)) callbackLanes.wake(name);
    },
    async test(endpoint, signal) {
      const [lane] = endpointLanes.find(endpoint);
      if (lane === undefined) return undefined;
      const test = runTest(lane, signal);
      testsInFlight.add(test);
      return test.finally(() => testsInFlight.delete(test));
    },
    async stop(limit) {
      const isLimitReached = Promise.withResolvers<undefined>();
      const unlink = onAbort(limit, () => {
        cutOff.abort();
        isLimitReached.resolve(undefined);
      });
      const settled = Promise.all([endpointLanes.stop(), callbackLanes.stop(), ...testsInFlight]);
      await Promise.race([settled, isLimitReached.promise]);
      unlink();
      if (!(await endsWithin(settled, clock, LAST_SETTLEMENTS_MS)))
        log.warn('stopped before all deliveries were settled');
    },
  };
}
