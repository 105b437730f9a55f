import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Order, Reply } from './thread-worker.ts';

/** A thread with a connection of its own, for what takes long. */
export interface Thread {
  /**
   * Carries out one order after the other, and calls `onBegin` when the turn of this one has come. Rejects with `ThreadError`
   * if the database fails.
   */
  ask<O extends Order>(order: O, onBegin?: () => void): Promise<Reply<O>>;
  /** Ends the thread after the orders that it was given. */
  close(): Promise<void>;
}

/** The database failed to carry out an order. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
  /** One of https://sqlite.org/rescode.html, if it was SQLite that failed. */
  readonly errcode: number | undefined;

  constructor(message: string, errcode: number | undefined) {
    super(message);
    this.errcode = errcode;
  }
}

type Answer =
  { readonly reply: unknown } | { readonly failure: string; readonly errcode: number | undefined };

/** `onEnded` is called if the thread ends although nobody closed it. */
export async function startThread(path: string, onEnded: (reason: string) => void): Promise<Thread> {
  const file = new URL(`./thread-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: { path } });
  await once(worker, 'online');
  worker.unref();
  let isClosing = false;
  let last: Promise<unknown> = Promise.resolve();
  let failure = 'it has ended';
  const ended = new AbortController();
  worker.on('error', (error: unknown) => (failure = String(error)));
  worker.on('exit', () => {
    ended.abort();
    if (!isClosing) onEnded(failure);
  });

  async function carryOut(order: Order): Promise<unknown> {
    const answered = once(worker, 'message', { signal: ended.signal }) as Promise<[Answer]>;
    worker.postMessage(order);
    const [answer] = await answered;
    if ('reply' in answer) return answer.reply;
    throw new ThreadError(answer.failure, answer.errcode);
  }

  return {
    ask(order, onBegin) {
      const mine = last.then(() => {
        onBegin?.();
        return carryOut(order);
      });
      last = mine.catch(() => undefined);
      // The worker answers each order with the reply that belongs to it.
      return mine as Promise<Reply<typeof order>>;
    },
    async close() {
      await last;
      isClosing = true;
      await worker.terminate();
    },
  };
}
