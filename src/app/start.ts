import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { abandonDeliveries } from './endpoints.ts';
import { createReload } from './reload.ts';
import { callbackEntries, egressOf, endpointNames, endpointsOf, httpSettings } from './settings.ts';
import { openStore } from './store.ts';
import { createTargets } from './targets.ts';
import type { LoadResult } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import {
  CALLBACK_ENDPOINT,
  callbackFault,
  callbackLane,
  callbackSecrets,
} from '../domain/delivery/callback.ts';
import type { TargetKey } from '../domain/execution/execution.ts';
import { createDispatcher } from '../delivery/dispatcher.ts';
import { createSender } from '../delivery/sending/sender.ts';
import { startHttp } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import { OPERATIONS } from '../domain/call/operation.ts';
import { outboxMeasures, setGauges } from '../metrics/collector.ts';
import { countNotices } from '../metrics/count-notices.ts';
import { createInstruments, createZeroing } from '../metrics/instruments.ts';
import type { Poller } from '../polling/poller.ts';
import { logNotices } from '../notices/log-notices.ts';
import { createNotices } from '../notices/notices.ts';
import { createRegistrar } from '../registration/registrar.ts';
import { endsWithin } from '../runtime/abort.ts';
import { systemClock } from '../runtime/clock.ts';
import { derived } from '../runtime/derived.ts';
import { errorFields } from '../runtime/log.ts';
import { shared } from '../runtime/share.ts';
import { VERSION } from '../runtime/version.ts';
import { sweepRepeatedly } from '../store/sweeper.ts';

/** How long a stop waits for looks and deliveries; settling and HTTP's own end bring it to 20 s at most. */
const DRAIN_MS = 16_000;
/** How long a reload waits for what is in flight to endpoints that were removed. */
const LAST_ANSWERS_MS = 15_000;
/** How long a reload waits for targets: somewhat longer than a poller takes to stop. Those that the store holds up go on. */
const TAKE_OVER_MS = 20_000;
/** Counting a large outbox takes its time: at most a twentieth of all time goes there, however often it is asked for. */
const COUNT_SHARE = 20;

export interface App {
  readonly addresses: HttpServer['addresses'];
  /**
   * Goes on with a configuration that was read anew, or, where it is faulty or asks for what only a restart can do, with the
   * old one in full. Tells in the log which. To be called once the one before has resolved; never rejects.
   */
  reload(loaded: LoadResult): Promise<void>;
  /** Stops polling and accepting, finishes what is in flight within 20 s, closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts the daemon: from the store outwards, so that nothing is accepted that cannot be kept. Where a part cannot
 * start, those before it are closed again and the error tells in one line what is wrong.
 */
export async function startApp(initial: Config, log: Logger): Promise<App> {
  let config = initial;
  await using starting = new AsyncDisposableStack();
  const clock = systemClock;
  const random = Math.random;
  const instruments = createInstruments(VERSION);
  const notices = createNotices([countNotices(instruments), logNotices(log)], log);
  const store = starting.use(await openStore(config, clock, log));

  const callbacks = derived(() => config, callbackEntries);
  const zero = createZeroing(instruments, OPERATIONS);
  const zeroAll = () =>
    zero({ targets: config.targets.map(({ name }) => name), endpoints: endpointNames(config) });
  zeroAll();

  /** Whether deliveries to endpoints that were removed may be open. */
  let isAbandoning = true;
  async function abandonRemoved(): Promise<void> {
    const kept = endpointNames(config);
    isAbandoning = !(await abandonDeliveries(kept, { upkeep: store.upkeep, notices, clock, log }));
  }
  await abandonRemoved();

  const sender = starting.use(createSender({ egress: egressOf(config), clock, version: VERSION }));
  const dispatcher = createDispatcher({
    outbox: store.outbox,
    sender,
    clock,
    random,
    newId: randomUUID,
    log,
    endpoints: endpointsOf(config),
    callbackSecrets: (url) => callbackSecrets(callbacks(), url),
    notices,
  });

  const targets = await createTargets({
    config: () => config,
    store,
    notices,
    clock,
    random,
    log,
    onDeliveries: (endpoint) => dispatcher.wake(endpoint),
  });
  starting.defer(() => targets.stop(AbortSignal.abort()));
  const pollerOf = (key: TargetKey) => targets.pollerOf(key);

  const registrar = createRegistrar({
    intake: store.intake,
    clock,
    notices,
    track: (execution) => pollerOf(execution)?.track(execution),
    forget: (key, registration) => pollerOf(key)?.forget(key, registration),
    onCallback: (url) => dispatcher.wake(callbackLane(url)),
  });

  const countOutbox = shared(
    async () => ({
      counts: await store.reading.outboxCounts(),
      unhealthy: await store.reading.unhealthyEndpoints(),
    }),
    clock,
    (tookMs) => COUNT_SHARE * tookMs,
  );

  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const { host, port } = config.server;
  const http = await startHttp(
    {
      ...httpSettings(config),
      host,
      port,
      ...(config.metrics === undefined ? {} : { metrics: config.metrics }),
    },
    {
      reading: store.reading,
      operating: store.operating,
      targets,
      endpoints: () => endpointNames(config),
      deliveries: dispatcher,
      callbackFault: (url) => callbackFault(callbacks(), url),
      registrar,
      notices,
      async metricsText() {
        const outbox = await countOutbox().catch((error: unknown) => {
          log.error(errorFields(error), 'outbox could not be counted');
          return undefined;
        });
        setGauges(
          instruments,
          targets.pollers().map(targetMeasures),
          outbox && outboxMeasures(endpointNames(config), outbox.counts, outbox.unhealthy, clock.now()),
        );
        return { contentType: instruments.registry.contentType, body: await instruments.registry.metrics() };
      },
      async readiness() {
        if (state !== 'ready') return { ready: false, reason: state };
        const reason = await store.trouble();
        return reason === undefined ? { ready: true } : { ready: false, reason };
      },
      clock,
      log,
    },
  );
  starting.defer(() => http.close());

  await targets.start();
  dispatcher.start();
  const sweeping = new AbortController();
  const sweeper = sweepRepeatedly(store.upkeep, () => config.retention, clock, log, sweeping.signal);
  state = 'ready';

  async function apply(next: Config): Promise<void> {
    const before = config;
    config = next;
    log.level = next.log.level;
    zeroAll();
    http.apply(httpSettings(next));
    sender.apply(egressOf(next));
    await Promise.all([applyEndpoints(before), applyTargets()]);
  }

  async function applyTargets(): Promise<void> {
    if (await endsWithin(targets.apply(config), clock, TAKE_OVER_MS)) return;
    log.warn('targets are still being taken over');
  }

  /** Deliveries that are open to endpoints of `before` which are gone become dead, once their last answers are in. */
  async function applyEndpoints(before: Config): Promise<void> {
    const names = endpointNames(config);
    const answered = Promise.all([
      dispatcher.apply(endpointsOf(config)),
      ...(names.includes(CALLBACK_ENDPOINT) ? [] : [dispatcher.endCallbacks()]),
    ]);
    isAbandoning ||= endpointNames(before).some((name) => !names.includes(name));
    if (!isAbandoning) return;
    await endsWithin(answered, clock, LAST_ANSWERS_MS);
    await abandonRemoved();
  }

  notices.publish({ kind: 'configuration_loaded', isApplied: true, at: clock.now() });
  const reload = createReload({ config: () => config, apply, notices, clock, log });
  let reloading = Promise.resolve();

  const running = starting.move();
  return {
    addresses: http.addresses,
    reload(loaded) {
      if (state === 'ready') reloading = reload(loaded);
      return reloading;
    },
    async stop() {
      state = 'draining';
      http.drain();
      sweeping.abort();
      const limit = AbortSignal.timeout(DRAIN_MS);
      await Promise.all([targets.stop(limit), dispatcher.stop(limit), sweeper, reloading]);
      await running.disposeAsync();
    },
  };
}

function targetMeasures(poller: Poller) {
  return { ...poller.measures(), target: poller.target.name };
}
