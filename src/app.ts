import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createTargets } from './app-targets.ts';
import type { Config } from './config/schema.ts';
import { CALLBACK_ENDPOINT, callbackFault, callbackLane, callbackSecrets } from './domain/callback.ts';
import type { CallbackEntry } from './domain/callback.ts';
import { parseCallbackRule } from './domain/callback-rule.ts';
import type { TargetKey } from './domain/execution.ts';
import { createDispatcher } from './delivery/dispatcher.ts';
import { createSender } from './delivery/sender.ts';
import type { Egress } from './delivery/sender.ts';
import { startHttp } from './http/server.ts';
import type { HttpServer } from './http/server.ts';
import { OPERATIONS } from './imagebuilder/gateway.ts';
import { outboxMeasures, setGauges } from './metrics/collector.ts';
import { createInstruments, zeroInstruments } from './metrics/instruments.ts';
import type { Poller } from './polling/poller.ts';
import { createRegistrar } from './polling/registrar.ts';
import { systemClock } from './runtime/clock.ts';
import { errorFields } from './runtime/log.ts';
import { shared } from './runtime/share.ts';
import { VERSION } from './runtime/version.ts';
import { openSqliteStore } from './store/sqlite.ts';
import { sweepRepeatedly } from './store/sweeper.ts';

/** How long a stop waits for looks and deliveries; settling and HTTP's own end bring it to 20 s at most. */
const DRAIN_MS = 16_000;
const PROBE_KEPT_MS = 1000;
/** Counting a large outbox takes its time: at most a twentieth of all time goes there, however often it is asked for. */
const COUNT_SHARE = 20;

export interface App {
  readonly addresses: HttpServer['addresses'];
  /** Stops polling and accepting, finishes what is in flight within 20 s, closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts the daemon: from the store outwards, so that nothing is accepted that cannot be kept. Where a part cannot
 * start, those before it are closed again and the error tells in one line what is wrong.
 */
export async function startApp(config: Config, log: Logger): Promise<App> {
  await using starting = new AsyncDisposableStack();
  const clock = systemClock;
  const random = Math.random;
  const instruments = createInstruments(VERSION);
  const store = starting.use(await openSqliteStore(config.store.sqlite));

  const callbacks = callbackEntries(config);
  const endpointNames = config.endpoints.map(({ name }) => name);
  if (callbacks.length > 0) endpointNames.push(CALLBACK_ENDPOINT);
  const targetNames = config.targets.map(({ name }) => name);
  zeroInstruments(instruments, { targets: targetNames, operations: OPERATIONS, endpoints: endpointNames });

  const abandoned = await store.abandonDeliveriesExcept(endpointNames, clock.now());
  for (const [endpoint, count] of abandoned) {
    instruments.deliveries.inc({ endpoint, outcome: 'dead' }, count);
    log.warn({ endpoint, count }, 'endpoint was removed: its open deliveries are dead');
  }

  const sender = starting.use(createSender({ egress: egressOf(config), clock, version: VERSION }));
  const dispatcher = createDispatcher({
    outbox: store,
    sender,
    clock,
    random,
    newId: randomUUID,
    log,
    endpoints: config.endpoints.map((endpoint) => ({
      lane: endpoint.name,
      name: endpoint.name,
      url: endpoint.url.reveal(),
      format: endpoint.format,
      secrets: endpoint.secrets.map((secret) => secret.reveal()),
      headers: Object.fromEntries(
        Object.entries(endpoint.headers).map(([name, value]) => [name, value.reveal()]),
      ),
      timeoutMs: endpoint.timeoutSeconds * 1000,
      maxConcurrent: endpoint.maxConcurrent,
      requestsPerSecond: endpoint.requestsPerSecond,
    })),
    callbackSecrets: (url) => callbackSecrets(callbacks, url),
    onAttempt(endpoint, { outcome, durationSeconds }) {
      instruments.deliveryAttempts.inc({ endpoint, outcome });
      instruments.deliveryDuration.observe({ endpoint }, durationSeconds);
    },
    onSettled(endpoint, state) {
      if (state !== 'pending') instruments.deliveries.inc({ endpoint, outcome: state });
    },
  });

  const targets = await createTargets({
    config,
    store,
    instruments,
    clock,
    random,
    log,
    onDeliveries: (endpoint) => dispatcher.wake(endpoint),
  });
  for (const poller of targets.pollers) starting.defer(() => poller.stop(AbortSignal.abort()));
  const pollerOf = (key: TargetKey) => targets.pollerOf(key);

  const registrar = createRegistrar({
    store,
    clock,
    track: (execution) => pollerOf(execution)?.track(execution),
    forget: (key) => pollerOf(key)?.forget(key),
    onCallback: (url) => dispatcher.wake(callbackLane(url)),
  });

  const probe = shared(
    () => store.probe(),
    clock,
    () => PROBE_KEPT_MS,
  );
  const countOutbox = shared(
    async () => ({ counts: await store.outboxCounts(), unhealthy: await store.unhealthyLanes() }),
    clock,
    (tookMs) => COUNT_SHARE * tookMs,
  );

  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const configured = targets.pollers.map(({ target }) => target);
  const http = await startHttp(
    {
      ...config.server,
      tokens: config.server.tokens.map((token) => ({ ...token, value: token.value.reveal() })),
      ...(config.metrics === undefined ? {} : { metrics: config.metrics }),
    },
    {
      store,
      targets: () => configured,
      endpoints: () => endpointNames,
      deliveries: dispatcher,
      callbackFault: (url) => callbackFault(callbacks, url),
      ...registrar,
      pollNow: (key) => pollerOf(key)?.pollNow(key) ?? false,
      live: (key) => pollerOf(key)?.live(key),
      targetStates: () => targets.states(),
      pauseTarget: (name) => targets.pause(name),
      resumeTarget: (name) => targets.resume(name),
      onRegistration: (outcome) => instruments.registrations.inc({ source: 'api', outcome }),
      async metricsText() {
        const outbox = await countOutbox().catch((error: unknown) => {
          log.error(errorFields(error), 'outbox could not be counted');
          return undefined;
        });
        setGauges(
          instruments,
          targets.pollers.map(targetMeasures),
          // What could not be counted stays as it was.
          outbox === undefined
            ? []
            : outboxMeasures(endpointNames, outbox.counts, outbox.unhealthy, clock.now()),
        );
        return { contentType: instruments.registry.contentType, body: await instruments.registry.metrics() };
      },
      async readiness() {
        if (state !== 'ready') return { ready: false, reason: state };
        return probe().then(
          () => ({ ready: true }) as const,
          (error: unknown) => {
            log.error(errorFields(error), 'store cannot be written');
            return { ready: false, reason: 'the store cannot be written' };
          },
        );
      },
      clock,
      log,
    },
  );
  starting.defer(() => http.close());

  for (const poller of targets.pollers) await poller.start();
  dispatcher.start();
  const sweeping = new AbortController();
  const sweeper = sweepRepeatedly(store, () => config.retention, clock, log, sweeping.signal);
  state = 'ready';

  const running = starting.move();
  return {
    addresses: http.addresses,
    async stop() {
      state = 'draining';
      http.drain();
      sweeping.abort();
      const limit = AbortSignal.timeout(DRAIN_MS);
      await Promise.all([
        ...targets.pollers.map((poller) => poller.stop(limit)),
        dispatcher.stop(limit),
        sweeper,
      ]);
      await running.disposeAsync();
    },
  };
}

function callbackEntries({ callbacks }: Config): readonly CallbackEntry[] {
  return callbacks.flatMap(({ allow, secrets }) => {
    const rule = parseCallbackRule(allow);
    return rule.ok ? [{ rule: rule.value, secrets: secrets.map((secret) => secret.reveal()) }] : [];
  });
}

function egressOf({ egress: { proxy, ...rules } }: Config): Egress {
  return { ...rules, ...(proxy === null ? {} : { proxy: proxy.reveal() }) };
}

function targetMeasures(poller: Poller) {
  return { ...poller.measures(), target: poller.target.name };
}
