import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import { isFailedSync } from './errors.ts';
import { FilesMovedError } from './thread.ts';
import type { Thread } from './thread.ts';

/** The time from the first write to the next checkpoint. */
const CHECKPOINT_AFTER_MS = 1000;
/** Some 32 MiB. The log may become this long if writes never pause. */
const MOST_FRAMES = 8192;

/** Copies the write-ahead log into the database file, one second after a write. */
export interface Checkpoints {
  /** Must be called after each commit. */
  onCommit(): void;
  /** Present while a restart of the log is under way. No write may begin before it resolves. */
  readonly restarting: Promise<void> | undefined;
  /** Waits for the checkpoint under way. No other begins. */
  close(): Promise<void>;
}

export interface CheckpointParts {
  readonly thread: Pick<Thread, 'checkpoint'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Log;
  /** Called if a sync failed, after which the content of the database file is unknown. */
  readonly onLost: (reason: string) => void;
}

export function createCheckpoints({ thread, clock, log, onLost }: CheckpointParts): Checkpoints {
  let isClosing = false;
  let isDirty = false;
  let isRunning = false;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> = Promise.resolve();
  let restarting: PromiseWithResolvers<void> | undefined;

  async function checkpoint(): Promise<void> {
    const { frames, isComplete } = await thread.checkpoint('PASSIVE');
    if (frames === 0 || (!isComplete && frames < MOST_FRAMES)) return;
    try {
      await thread.checkpoint('RESTART', () => (restarting = Promise.withResolvers()));
    } finally {
      restarting?.resolve();
      restarting = undefined;
    }
  }

  function onFailure(error: unknown): void {
    if (error instanceof FilesMovedError) onLost(error.message);
    else if (isFailedSync(error) && error instanceof Error)
      onLost(`a checkpoint could not be synced: ${error.message}`);
    else log.warn(errorFields(error), 'checkpoint failed: the write-ahead log grows until one succeeds');
  }

  function schedule(): void {
    cancelTimer = clock.after(CHECKPOINT_AFTER_MS, () => {
      isDirty = false;
      isRunning = true;
      running = checkpoint()
        .catch(onFailure)
        .finally(() => {
          isRunning = false;
          if (isDirty && !isClosing) schedule();
        });
    });
  }

  return {
    onCommit() {
      const isScheduled = isDirty;
      isDirty = true;
      if (!isScheduled && !isRunning && !isClosing) schedule();
    },
    get restarting() {
      return restarting?.promise;
    },
    async close() {
      isClosing = true;
      cancelTimer?.();
      await running;
    },
  };
}
