import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { endpointsOf } from './settings.ts';
import { changedFixedKeys } from '../config/fixed.ts';
import { formatFaults } from '../config/load.ts';
import type { LoadResult } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { targetText } from '../domain/execution/execution.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';

export interface ReloadParts {
  /** That of now. */
  readonly config: () => Config;
  readonly apply: (next: Config) => Promise<void>;
  readonly notices: Notices;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

/**
 * Applies a configuration that was read anew; one with faults, or in which something differs that cannot change while the
 * process runs, is refused whole. What became of it is logged. Never rejects.
 */
export function createReload({ config, apply, notices, clock, log }: ReloadParts) {
  const onReloaded = (isApplied: boolean) =>
    notices.publish({ kind: 'configuration_loaded', isApplied, at: clock.now() });
  const refuse = (fields: object, reason: string) => {
    onReloaded(false);
    log.error(fields, `configuration not reloaded, the old one stays: ${reason}`);
  };
  return async (loaded: LoadResult): Promise<void> => {
    if (!loaded.ok) {
      refuse({ faults: formatFaults(loaded).trimEnd().split('\n') }, 'it has faults');
      return;
    }
    const before = config();
    const fixed = changedFixedKeys(before, loaded.config);
    if (fixed.length > 0) {
      refuse({ changed: fixed }, `only a restart changes ${fixed.join(', ')}`);
      return;
    }
    try {
      await apply(loaded.config);
    } catch (error) {
      onReloaded(false);
      log.error(errorFields(error), 'configuration not reloaded completely: only a restart is sure to do so');
      return;
    }
    onReloaded(true);
    // Whoever asked for it waits for this line, whatever level there is.
    log.child({}, { level: 'info' }).info(changesOf(before, loaded.config), 'configuration reloaded');
  };
}

function changesOf(before: Config, next: Config) {
  return {
    targets: difference(before.targets, next.targets, targetText),
    endpoints: difference(endpointsOf(before), endpointsOf(next), ({ name }) => name),
  };
}

/** Names of what was added, removed and changed, as far as there is any. */
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
