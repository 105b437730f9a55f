import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SQLInputValue } from 'node:sqlite';
import { NEVER } from '../../runtime/abort.ts';
import { createTurns } from '../../runtime/turns.ts';
import type { Answer, CheckpointMode, Checkpointed, Order } from './thread-worker.ts';

/**
 * A thread with a connection of its own, for slow operations. It carries out one order after the other. Each method rejects
 * with `ThreadError` if the database fails.
 */
export interface Thread {
  /** Calls `onBegin` right before the checkpoint begins. */
  checkpoint(mode: CheckpointMode, onBegin?: () => void): Promise<Checkpointed>;
  /** Returns the rows of a statement that only reads. */
  read(sql: string, parameters: readonly SQLInputValue[]): Promise<readonly unknown[]>;
  /** Ends the thread after the orders under way. */
  close(): Promise<void>;
}

/** The database failed to carry out an order. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
  /** One of https://sqlite.org/rescode.html, if SQLite failed. */
  readonly errcode: number | undefined;

  constructor(message: string, errcode: number | undefined) {
    super(message);
    this.errcode = errcode;
  }
}

/** A file of the database was moved or deleted, so writes go to a file that nobody can open again. */
export class FilesMovedError extends Error {
  override readonly name = 'FilesMovedError';
}

/** Rejects if the database cannot be opened. Calls `onEnded` if the thread ends before it is closed. */
export async function startThread(path: string, onEnded: (reason: string) => void): Promise<Thread> {
  const file = new URL(`./thread-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: { path } });
  // The worker sends its first message once it has opened the database.
  await once(worker, 'message');
  worker.unref();
  let isClosing = false;
  const turns = createTurns();
  let failure = 'it has ended';
  const ended = new AbortController();
  worker.on('error', (error: unknown) => (failure = String(error)));
  worker.on('exit', () => {
    ended.abort();
    if (!isClosing) onEnded(failure);
  });

  async function carryOut(order: Order): Promise<Exclude<Answer, { failure: string } | { moved: string }>> {
    const answered = once(worker, 'message', { signal: ended.signal }) as Promise<[Answer]>;
    worker.postMessage(order);
    const [answer] = await answered;
    if ('moved' in answer) throw new FilesMovedError(`${answer.moved} was moved or deleted`);
    if ('failure' in answer) throw new ThreadError(answer.failure, answer.errcode);
    return answer;
  }

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const endTurn = await turns.take(NEVER);
    try {
      return await work();
    } finally {
      endTurn();
    }
  }

  return {
    checkpoint: (mode, onBegin) =>
      inTurn(async () => {
        onBegin?.();
        const answer = await carryOut({ checkpoint: mode });
        if (!('frames' in answer)) throw new Error('a checkpoint was answered with rows');
        return answer;
      }),
    read: (sql, parameters) =>
      inTurn(async () => {
        const answer = await carryOut({ sql, parameters });
        if (!('rows' in answer)) throw new Error('a statement was answered with a checkpoint');
        return answer.rows;
      }),
    close: () =>
      inTurn(async () => {
        isClosing = true;
        await worker.terminate();
      }),
  };
}
