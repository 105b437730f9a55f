import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { messageOf } from '../runtime/message.ts';
import type { StoreError } from './store-error.ts';

const TRY_EVERY_MS = 5000;

/** Records whether the store can be written. */
export interface Writability {
  /** The reason why the last write failed. Undefined until a write fails, and again once a test write has succeeded. */
  readonly failure: string | undefined;
  /** Must be called whenever a write fails. */
  onFailure(error: StoreError): void;
  close(): void;
}

/**
 * After a write has failed, calls `tryWrite` every five seconds until it succeeds. `tryWrite` must change a row: an update that
 * changes nothing writes nothing, and so proves nothing about the disk.
 */
export function createWritability(tryWrite: () => Promise<void>, clock: Clock, log: Log): Writability {
  const closing = new AbortController();
  let failure: string | undefined;

  async function tryRepeatedly(): Promise<void> {
    while (failure !== undefined) {
      await clock.sleep(TRY_EVERY_MS, closing.signal);
      if (closing.signal.aborted) return;
      await tryWrite().then(
        () => {
          failure = undefined;
          log.info('store can be written again');
        },
        (error: unknown) => {
          failure = messageOf(error);
        },
      );
    }
  }

  return {
    get failure() {
      return failure;
    },
    onFailure({ message }) {
      const isFirst = failure === undefined;
      failure = message;
      if (!isFirst) return;
      log.error({ error: message }, 'store cannot be written');
      void tryRepeatedly();
    },
    close: () => closing.abort(),
  };
}
