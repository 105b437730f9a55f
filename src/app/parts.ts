import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { createDispatcher } from '../delivery/dispatcher.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { createSender } from '../delivery/sending/sender.ts';
import type { Sender } from '../delivery/sending/sender.ts';
import { callbackSecrets } from '../domain/delivery/callback.ts';
import type { CallbackEntry } from '../domain/delivery/callback.ts';
import { countNotices } from '../metrics/count-notices.ts';
import { createInstruments } from '../metrics/instruments.ts';
import type { Instruments } from '../metrics/instruments.ts';
import { createAws } from '../imagebuilder/aws.ts';
import type { Aws } from '../imagebuilder/aws.ts';
import { logNotices } from '../notices/log-notices.ts';
import { createNotices } from '../notices/notices.ts';
import type { Notices } from '../notices/notices.ts';
import { Targets } from '../polling/targets.ts';
import { createRegistrar } from '../registration/registrar.ts';
import type { Registrar } from '../registration/registrar.ts';
import { Tracking } from '../registration/tracking.ts';
import type { Clock } from '../runtime/clock.ts';
import { derived } from '../runtime/derived.ts';
import { VERSION } from '../runtime/version.ts';
import type { Store } from '../store/store.ts';
import { AbandonedEndpoints } from './abandoned-endpoints.ts';
import type { LiveConfig } from './live-config.ts';
import { createPollerMaker, pollerSettings } from './make-poller.ts';
import type { PollerSettings } from './make-poller.ts';
import { awsProxyOf, callbackEntries, egressOf, endpointsOf } from './settings.ts';
import { openStore } from './store.ts';

/** The parts of the daemon. They exist but have not started. */
export interface Parts {
  readonly live: LiveConfig;
  readonly instruments: Instruments;
  readonly notices: Notices;
  readonly store: Store;
  readonly abandoned: AbandonedEndpoints;
  readonly sender: Sender;
  readonly dispatcher: Dispatcher;
  readonly aws: Aws;
  readonly registrar: Registrar;
  readonly targets: Targets<PollerSettings>;
  /** The callback rules in effect. */
  readonly callbacks: () => readonly CallbackEntry[];
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Surroundings {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** Opens the parts from the store outwards. Each is closed again by `stack`, the last one first. */
export async function openParts(
  live: LiveConfig,
  { clock, random, log }: Surroundings,
  stack: AsyncDisposableStack,
): Promise<Parts> {
  const instruments = createInstruments(VERSION);
  const notices = createNotices([countNotices(instruments), logNotices(log)], log);
  const store = stack.use(await openStore(live.config, clock, log));
  const callbacks = derived(() => live.config, callbackEntries);
  const abandoned = new AbandonedEndpoints({ upkeep: store.upkeep, notices, clock, log });
  await abandoned.abandon(live.config);
  const sender = stack.use(createSender({ egress: egressOf(live.config), clock, version: VERSION }));
  const dispatcher = createDispatcher({
    outbox: store.outbox,
    sender,
    notices,
    endpoints: endpointsOf(live.config),
    callbackSecrets: (url) => callbackSecrets(callbacks(), url),
    newId: randomUUID,
    clock,
    random,
    log,
  });
  const tracking = new Tracking();
  const registrar = createRegistrar({
    intake: store.intake,
    tracking,
    deliveries: dispatcher,
    notices,
    clock,
  });
  const aws = createAws({ clock, random, proxyUrl: awsProxyOf(live.config) });
  const make = createPollerMaker({ live, store, aws, dispatcher, registrar, notices, clock, random, log });
  const targets = await Targets.open(pollerSettings(live.config), { make, store, tracking, clock, log });
  stack.defer(() => targets.stop(AbortSignal.abort()));
  return {
    live,
    instruments,
    notices,
    store,
    abandoned,
    sender,
    dispatcher,
    aws,
    registrar,
    targets,
    callbacks,
    clock,
    log,
  };
}
