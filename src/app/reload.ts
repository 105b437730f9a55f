import { isDeepStrictEqual } from 'node:util';
import { changedFixedKeys } from '../config/fixed.ts';
import { formatFaults } from '../config/load.ts';
import type { LoadResult } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { CALLBACK_ENDPOINT } from '../domain/delivery/callback.ts';
import { targetText } from '../domain/execution/execution.ts';
import { OPERATIONS } from '../domain/call/operation.ts';
import type { HttpServer } from '../http/server.ts';
import { createZeroing } from '../metrics/instruments.ts';
import { endsWithin } from '../runtime/abort.ts';
import { errorFields } from '../runtime/log.ts';
import { pollerSettings } from './make-poller.ts';
import type { Parts } from './parts.ts';
import { awsProxyOf, egressOf, endpointNames, endpointsOf, httpSettings } from './settings.ts';

/** How long a reload waits for requests in flight to endpoints that were removed. */
const LAST_ANSWERS_MS = 15_000;
/** How long a reload waits for new pollers: somewhat longer than a poller takes to stop. If the store fails, they follow later. */
const TAKE_OVER_MS = 20_000;

type Reload = (loaded: LoadResult) => Promise<void>;

/**
 * Creates the function that applies a configuration that was just read. If it has faults or changes a key that cannot change
 * while the process runs, all of it is refused. The outcome is logged. Never rejects.
 */
export function createReload(parts: Parts, http: Pick<HttpServer, 'apply'>): Reload {
  const { live, notices, clock, log } = parts;
  const apply = createApply(parts, http);
  const report = (isApplied: boolean) =>
    notices.publish({ kind: 'configuration_loaded', isApplied, at: clock.now() });
  const refuse = (fields: object, reason: string) => {
    report(false);
    log.error(fields, `configuration not reloaded, the old one stays in effect: ${reason}`);
  };
  return async (loaded) => {
    if (!loaded.ok) {
      refuse({ faults: formatFaults(loaded).trimEnd().split('\n') }, 'it has faults');
      return;
    }
    const before = live.config;
    const fixed = changedFixedKeys(before, loaded.config);
    if (fixed.length > 0) {
      refuse({ changed: fixed }, `only a restart changes ${fixed.join(', ')}`);
      return;
    }
    try {
      await apply(loaded.config);
    } catch (error) {
      report(false);
      log.error(errorFields(error), 'configuration only partly reloaded: restart to apply all of it');
      return;
    }
    report(true);
    // Whoever asked for the reload waits for this line, at any log level.
    log.child({}, { level: 'info' }).info(changesOf(before, loaded.config), 'configuration reloaded');
  };
}

/** Creates the function that hands a configuration to every part. Metrics of the present configuration start at zero at once. */
function createApply(parts: Parts, http: Pick<HttpServer, 'apply'>): (next: Config) => Promise<void> {
  const { live, instruments, sender, aws, log } = parts;
  const zero = createZeroing(instruments, OPERATIONS);
  const zeroAll = ({ targets }: Config) =>
    zero({ targets: targets.map(({ name }) => name), endpoints: endpointNames(live.config) });
  zeroAll(live.config);
  return async (next) => {
    const before = live.config;
    live.config = next;
    log.level = next.log.level;
    zeroAll(next);
    http.apply(httpSettings(next));
    sender.apply(egressOf(next));
    aws.reload(awsProxyOf(next));
    await Promise.all([applyEndpoints(before, next, parts), applyTargets(next, parts)]);
  };
}

async function applyTargets(next: Config, { targets, clock, log }: Parts): Promise<void> {
  if (await endsWithin(targets.apply(pollerSettings(next)), clock, TAKE_OVER_MS)) return;
  log.warn('some targets are still being taken over');
}

/** Open deliveries to removed endpoints become dead once the answers in flight have arrived. */
async function applyEndpoints(
  before: Config,
  next: Config,
  { dispatcher, abandoned, clock }: Parts,
): Promise<void> {
  const answered = Promise.all([
    dispatcher.apply(endpointsOf(next)),
    ...(endpointNames(next).includes(CALLBACK_ENDPOINT) ? [] : [dispatcher.endCallbacks()]),
  ]);
  if (!abandoned.isNeeded(before, next)) return;
  await endsWithin(answered, clock, LAST_ANSWERS_MS);
  await abandoned.abandon(next);
}

function changesOf(before: Config, next: Config) {
  return {
    targets: difference(before.targets, next.targets, targetText),
    endpoints: difference(endpointsOf(before), endpointsOf(next), ({ name }) => name),
  };
}

/** Returns the names of the items that were added, removed and changed. */
function difference<T extends { readonly name: string }>(
  before: readonly T[],
  next: readonly T[],
  keyOf: (item: T) => string,
) {
  const was = new Map(before.map((item) => [keyOf(item), item]));
  const is = new Set(next.map(keyOf));
  return {
    added: next.filter((item) => !was.has(keyOf(item))).map(({ name }) => name),
    removed: before.filter((item) => !is.has(keyOf(item))).map(({ name }) => name),
    changed: next
      .filter((item) => was.has(keyOf(item)) && !isDeepStrictEqual(was.get(keyOf(item)), item))
      .map(({ name }) => name),
  };
}
