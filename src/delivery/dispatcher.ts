import { CALLBACK_ENDPOINT, isCallbackLane } from '../domain/delivery/callback.ts';
import { endpointTestBody } from '../domain/change/test-event.ts';
import { linkSignals, onAbort } from '../runtime/abort.ts';
import { createBeat } from '../runtime/beat.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { CallbackLanes } from './callback-lanes.ts';
import type { CallbackLanesParts } from './callback-lanes.ts';
import { Lane } from './lane.ts';
import type { Endpoint, LaneParts } from './endpoint.ts';
import type { Outbox } from './outbox.ts';
import type { AttemptResult } from './sending/outcome.ts';
import type { Sender } from './sending/sender.ts';
import { Settler } from './settler.ts';

export interface DispatcherParts
  extends Pick<LaneParts, 'notices'>, Pick<CallbackLanesParts, 'callbackSecrets'> {
  readonly outbox: Outbox;
  readonly sender: Pick<Sender, 'send'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Of events that tell of nothing. */
  readonly newId: () => string;
  readonly log: Log;
  /** Those of now; `apply` changes them. */
  readonly endpoints: readonly Endpoint[];
}

/** Brings events from the outbox to their endpoints, each endpoint and each origin of callbacks in a lane of its own. */
export interface Dispatcher {
  start(): void;
  /**
   * Delivers to these from now on; what is in flight goes on as it began. Resolves once nothing is in flight any more to
   * those that are gone.
   */
  apply(endpoints: readonly Endpoint[]): Promise<void>;
  /** The same for callbacks where none is allowed any more. */
  endCallbacks(): Promise<void>;
  /** Tells that deliveries of an endpoint or a lane are new or due again; of all where none is named. */
  wake(name?: string): void;
  /**
   * Sends an event that tells of nothing, at once, whatever waits and whether or not the endpoint is enabled. It is kept
   * nowhere. Undefined where there is no such endpoint.
   */
  test(endpoint: string, signal: AbortSignal): Promise<TestResult | undefined>;
  /**
   * Begins nothing more, and waits for what is in flight until `limit` aborts: what has no answer then is cut off, and
   * is attempted again after the next start.
   */
  stop(limit: AbortSignal): Promise<void>;
  /** Attempts what is due now, at most one load of free slots per endpoint, and settles it. Returns how many attempts. */
  runOnce(): Promise<number>;
}

export interface TestResult extends Omit<AttemptResult, 'retryAfterMs'> {
  readonly eventId: string;
  readonly durationSeconds: number;
}

/** Twenty receivers that fail take 31 % of a processor's time at 420 attempts a second, without this beat 37 %. */
const FAILING_BEAT_MS = 25;
/** To claim for and to begin with four takes up to a millisecond, which one that is well may have to wait for. */
const FAILING_AT_ONCE = 4;
/** How long a stop goes on after its limit, for the settlement of what had been answered. */
const LAST_SETTLEMENTS_MS = 1000;

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { clock, newId, log, endpoints } = parts;
  const cutOff = new AbortController();
  const settler = new Settler({ ...parts, cutOff: cutOff.signal });
  const failingBeat = createBeat(clock, FAILING_BEAT_MS, FAILING_AT_ONCE);
  const laneParts = { ...parts, settler, failingBeat, cutOff: cutOff.signal };
  const lanes = new Map<string, Lane>();
  let present: ReadonlyMap<string, Endpoint> = new Map();
  /** Lanes of endpoints that were removed, until what they had in flight is over. */
  const ending = new Set<Promise<void>>();
  let isStarted = false;
  const callbacks = new CallbackLanes(laneParts);

  function open(endpoint: Endpoint): void {
    const lane = new Lane(laneParts, endpoint, () => present.get(endpoint.lane));
    lanes.set(endpoint.lane, lane);
    if (isStarted) lane.start();
  }

  function close(name: string, lane: Lane): Promise<void> {
    lanes.delete(name);
    const ended = lane.stop().finally(() => ending.delete(ended));
    ending.add(ended);
    return ended;
  }

  async function apply(next: readonly Endpoint[]): Promise<void> {
    present = new Map(next.map((endpoint) => [endpoint.lane, endpoint]));
    const removed = [...lanes].filter(([name]) => !present.has(name));
    const quiet = Promise.all(removed.map(([name, lane]) => close(name, lane)));
    for (const endpoint of next) {
      const lane = lanes.get(endpoint.lane);
      if (lane === undefined) open(endpoint);
      else lane.apply(endpoint);
    }
    await quiet;
  }
  void apply(endpoints);

  const lanesOf = (name: string | undefined) => {
    const lane = name === undefined ? undefined : lanes.get(name);
    if (lane !== undefined) return [lane];
    return [...lanes.values()].filter(({ endpoint }) => name === undefined || endpoint.name === name);
  };

  return {
    apply,
    endCallbacks: () => callbacks.closeAll(),
    start() {
      isStarted = true;
      for (const lane of lanes.values()) lane.start();
      callbacks.start();
    },
    wake(name) {
      const woken = lanesOf(name);
      for (const lane of woken) lane.wake();
      if (name === undefined || name === CALLBACK_ENDPOINT) callbacks.wake();
      // The name of an endpoint that was removed is no lane of callbacks.
      else if (woken.length === 0 && isCallbackLane(name)) callbacks.wake(name);
    },
    async test(endpoint, signal) {
      const [lane] = lanesOf(endpoint);
      if (lane === undefined) return undefined;
      const eventId = newId();
      const body = endpointTestBody(endpoint, eventId, clock.now());
      using limit = linkSignals([signal, cutOff.signal]);
      const sent = await lane.send({ eventId, body }, limit.signal);
      if (sent === undefined)
        return { eventId, outcome: 'unreachable', error: 'cut off', durationSeconds: 0 };
      const { retryAfterMs: _, ...result } = sent.result;
      return { eventId, ...result, durationSeconds: sent.durationSeconds };
    },
    async runOnce() {
      const begun = await Promise.all([...lanes.values(), callbacks].map((lane) => lane.runOnce()));
      return begun.reduce((sum, count) => sum + count, 0);
    },
    async stop(limit) {
      const stopped = new AbortController();
      const over = Promise.withResolvers<'late'>();
      const unlink = onAbort(limit, () => {
        cutOff.abort();
        void clock.sleep(LAST_SETTLEMENTS_MS, stopped.signal).then(() => over.resolve('late'));
      });
      const drained = Promise.all([...ending, ...[...lanes.values(), callbacks].map((lane) => lane.stop())]);
      if ((await Promise.race([drained, over.promise])) === 'late')
        log.warn('stopped before all deliveries were settled');
      unlink();
      stopped.abort();
    },
  };
}
