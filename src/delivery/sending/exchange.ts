import type { Dispatcher as HttpClient } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import type { PooledRequest, Pools } from './pools.ts';

/** What of an answer decides; its body is read only for the sake of the connection. */
export interface Answer {
  readonly httpStatus: number;
  readonly retryAfter?: string;
}

export interface ExchangeLimits {
  /** For the whole exchange, making the connection included. */
  readonly timeoutMs: number;
  /** Cuts it off. */
  readonly signal: AbortSignal;
}

/** No status line came within the timeout. */
export class TimedOutError extends Error {
  override readonly name = 'TimedOutError';
}

const LONGEST_BODY_BYTES = 4096;
/** Nothing is read of a body but its end, and that only to use the connection again: not worth a longer wait. */
const BODY_WAIT_MS = 1000;

/**
 * Makes one request. Resolves with the answer once its body has ended or been given up, which costs the connection;
 * rejects where no status line came.
 *
 * On undici's own `dispatch`: its `request` makes a stream of each body, and takes an `AbortSignal` each time.
 */
export function exchange(pools: Pools, request: PooledRequest, limits: ExchangeLimits): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (limits.signal.aborted) {
      reject(new Error('cut off'));
      return;
    }
    const handler = new Exchange(limits, resolve, reject);
    try {
      pools.dispatch(request, handler);
    } catch (error) {
      handler.end(error instanceof Error ? error : new Error('not sent', { cause: error }));
    }
  });
}

class Exchange implements HttpClient.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;
  readonly #endsTick: number;
  readonly #unlink: () => void;
  #timer: NodeJS.Timeout;
  #controller: HttpClient.DispatchController | undefined;
  #answer: Answer | undefined;
  #bodyBytes = 0;
  #hasEnded = false;

  constructor(
    { timeoutMs, signal }: ExchangeLimits,
    resolve: (answer: Answer) => void,
    reject: (error: Error) => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#endsTick = performance.now() + timeoutMs;
    this.#timer = setTimeout(
      () => this.end(new TimedOutError(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#unlink = onAbort(signal, () => this.end(new Error('cut off')));
  }

  onRequestStart(controller: HttpClient.DispatchController): void {
    // While it connected nobody could be told.
    if (this.#hasEnded) controller.abort(new Error('given up'));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: HttpClient.DispatchController,
    httpStatus: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // Only informational: the answer is still to come.
    if (httpStatus < 200) return;
    const [retryAfter] = [headers['retry-after'] ?? []].flat();
    this.#answer = { httpStatus, ...(retryAfter === undefined ? {} : { retryAfter }) };
    // Most bodies end with the same packet.
    process.nextTick(() => this.#limitBody());
  }

  onResponseData(_controller: HttpClient.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > LONGEST_BODY_BYTES) this.end();
  }

  onResponseEnd(): void {
    this.#controller = undefined;
    this.end();
  }

  onResponseError(_controller: HttpClient.DispatchController, error: Error): void {
    this.#controller = undefined;
    this.end(error);
  }

  #limitBody(): void {
    if (this.#hasEnded) return;
    const leftMs = this.#endsTick - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), Math.min(leftMs, BODY_WAIT_MS));
  }

  /** The answer decides, however its body ends. */
  end(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#unlink();
    if (this.#answer === undefined) this.#reject(error ?? new Error('no answer'));
    else this.#resolve(this.#answer);
    this.#controller?.abort(error ?? new Error('given up'));
  }
}
