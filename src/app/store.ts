import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';

/** Opens the configured store. If the store may have lost a write, the process ends, because only a restart shows the true state. */
export function openStore({ store: { sqlite } }: Config, clock: Clock, log: Logger): Promise<Store> {
  return openSqliteStore({
    ...sqlite,
    clock,
    newId: randomUUID,
    log,
    onLost({ message }) {
      log.fatal({ error: message }, 'stopped at once: the store may have lost what was written last');
      process.exit(1);
    },
  });
}
