import type { Logger } from 'pino';
import type { LoadResult } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { callbackFault } from '../domain/delivery/callback.ts';
import { startHttp } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import { systemClock } from '../runtime/clock.ts';
import { defined } from '../runtime/defined.ts';
import { sweepRepeatedly } from '../store/sweeper.ts';
import { createMetricsPage } from './metrics-page.ts';
import { openParts } from './parts.ts';
import type { Parts } from './parts.ts';
import { Phase } from './readiness.ts';
import { createReload } from './reload.ts';
import { endpointNames, httpSettings } from './settings.ts';

/** The longest time that a stop waits for looks and deliveries. Settling and the end of HTTP bring it to 20 s at most. */
const DRAIN_MS = 16_000;

export interface App {
  readonly addresses: HttpServer['addresses'];
  /**
   * Continues with a configuration that was just read. If it has faults or needs a restart, everything of the old one stays in
   * effect. The log says which. Resolves when the reload is over; must not be called before the last one has resolved. Never
   * rejects.
   */
  reload(loaded: LoadResult): Promise<void>;
  /** Stops polling and accepting requests, finishes work in flight within 20 s, then closes everything. */
  stop(): Promise<void>;
}

/** Starts the daemon. If a part cannot start, the others are closed again, and the error names the cause in one line. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  await using starting = new AsyncDisposableStack();
  const surroundings = { clock: systemClock, random: Math.random, log };
  const parts = await openParts({ config }, surroundings, starting);
  const phase = new Phase(parts.store);
  const http = await openHttp(parts, phase);
  starting.defer(() => http.close());
  const reload = createReload(parts, http);

  const { live, store, targets, dispatcher, notices, clock } = parts;
  await targets.start();
  dispatcher.start();
  const sweeping = new AbortController();
  const sweeper = sweepRepeatedly(store.upkeep, () => live.config.retention, clock, log, sweeping.signal);
  phase.become('ready');
  notices.publish({ kind: 'configuration_loaded', isApplied: true, at: clock.now() });

  let reloading = Promise.resolve();
  const running = starting.move();
  return {
    addresses: http.addresses,
    reload(loaded) {
      if (phase.isReady) reloading = reload(loaded);
      return reloading;
    },
    async stop() {
      phase.become('draining');
      http.drain();
      sweeping.abort();
      const limit = AbortSignal.timeout(DRAIN_MS);
      await Promise.all([targets.stop(limit), dispatcher.stop(limit), sweeper, reloading]);
      await running.disposeAsync();
    },
  };
}

function openHttp(parts: Parts, phase: Phase): Promise<HttpServer> {
  const { live, instruments, notices, store, dispatcher, registrar, targets, callbacks, clock, log } = parts;
  const { reading, operating } = store;
  const { host, port } = live.config.server;
  const { metrics } = live.config;
  const endpoints = () => endpointNames(live.config);
  return startHttp(
    { ...httpSettings(live.config), host, port, ...defined({ metrics }) },
    {
      reading,
      operating,
      targets,
      endpoints,
      deliveries: dispatcher,
      callbackFault: (url) => callbackFault(callbacks(), url),
      registrar,
      notices,
      metricsText: createMetricsPage({ instruments, reading, targets, endpoints, clock, log }),
      readiness: () => phase.readiness(),
      clock,
      log,
    },
  );
}
