// This thread does what takes long, so that the event loop does not wait for it: checkpoints, which wait for the disk, and
// statements that read very many rows.
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** https://sqlite.org/c3ref/wal_checkpoint_v2.html: `PASSIVE` holds nobody up, `RESTART` lets the log begin anew. */
export interface CheckpointOrder {
  readonly checkpoint: 'PASSIVE' | 'RESTART';
}

export interface ReadOrder {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

export type Order = CheckpointOrder | ReadOrder;

export interface Checkpointed {
  /** The number of frames in the log. */
  readonly frames: number;
  /** True if all of them are in the database file, too. */
  readonly isComplete: boolean;
}

export type Reply<O extends Order> = O extends CheckpointOrder ? Checkpointed : readonly unknown[];

/** A restart of the log waits this long for readers such as a backup. Whoever wants to write waits as long. */
const BUSY_TIMEOUT_MS = 100;

const { path } = workerData as { readonly path: string };
const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');

function checkpoint({ checkpoint: mode }: CheckpointOrder): Checkpointed {
  const progress = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
  const frames = Number(progress?.['log']);
  const isComplete = frames === Number(progress?.['checkpointed']);
  // The first to write after a restart waits for the disk, so this thread writes first.
  if (mode === 'RESTART' && isComplete) database.exec('UPDATE store_state SET touched = touched + 1');
  return { frames, isComplete };
}

function carryOut(order: Order) {
  try {
    if ('checkpoint' in order) return { reply: checkpoint(order) };
    return { reply: database.prepare(order.sql).all(...order.parameters) };
  } catch (error) {
    const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined;
    return { failure: error instanceof Error ? error.message : String(error), errcode };
  }
}

parentPort?.on('message', (order: Order) => parentPort?.postMessage(carryOut(order)));
