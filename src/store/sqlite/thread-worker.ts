// This thread runs slow operations, so that the event loop does not wait for them: checkpoints, which wait for the disk, and
// statements that read very many rows.
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../runtime/message.ts';
import { isSqliteError } from './errors.ts';

/**
 * https://sqlite.org/c3ref/wal_checkpoint_v2.html: `PASSIVE` blocks no other connection, `RESTART` makes the next write begin
 * the log again.
 */
export type CheckpointMode = 'PASSIVE' | 'RESTART';

export type Order =
  | { readonly checkpoint: CheckpointMode }
  | { readonly sql: string; readonly parameters: readonly SQLInputValue[] };

export interface Checkpointed {
  /** The number of frames in the log. */
  readonly frames: number;
  /** True if all of them have been copied to the database file. */
  readonly isComplete: boolean;
}

/** `errcode` is one of https://sqlite.org/rescode.html. `moved` is a file that was moved or deleted. */
export type Answer =
  | Checkpointed
  | { readonly moved: string }
  | { readonly rows: readonly unknown[] }
  | { readonly failure: string; readonly errcode: number | undefined };

/** A restart of the log waits this long for readers such as a backup. Writes wait as long. */
const BUSY_TIMEOUT_MS = 100;

const { path } = workerData as { readonly path: string };
const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
/**
 * If the log cannot begin again, for example during a backup, it may become longer than this. It is truncated to this length
 * afterwards.
 */
const LOG_BYTES = 32 * 1024 * 1024;
database.exec(
  `PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${LOG_BYTES}`,
);

/** The files that are written, and their inodes at the start. */
const files = [path, `${path}-wal`].map((file) => ({ file, inode: inodeOf(file) }));

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

function checkpoint(mode: CheckpointMode): Checkpointed {
  const progress = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
  const frames = Number(progress?.['log']);
  const isComplete = frames === Number(progress?.['checkpointed']);
  // The first write after a restart waits for the disk, so this thread makes it.
  if (mode === 'RESTART' && isComplete) database.exec('UPDATE store_state SET touched = touched + 1');
  return { frames, isComplete };
}

function carryOut(order: Order): Answer {
  try {
    if ('checkpoint' in order) {
      const moved = files.find(({ file, inode }) => inodeOf(file) !== inode);
      return moved === undefined ? checkpoint(order.checkpoint) : { moved: moved.file };
    }
    return { rows: database.prepare(order.sql).all(...order.parameters) };
  } catch (error) {
    return { failure: messageOf(error), errcode: isSqliteError(error) ? error.errcode : undefined };
  }
}

parentPort?.on('message', (order: Order) => parentPort?.postMessage(carryOut(order)));
parentPort?.postMessage('open');
