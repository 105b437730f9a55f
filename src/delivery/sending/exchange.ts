import type { Dispatcher as HttpClient } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import { defined } from '../../runtime/defined.ts';
import type { PooledRequest, Pools } from './pools.ts';

/** The part of a response we act on. The body is read only so that the connection can be used again. */
export interface Answer {
  readonly httpStatus: number;
  readonly retryAfter?: string;
}

export interface ExchangeLimits {
  /** Covers the whole exchange, including the time to connect. */
  readonly timeoutMs: number;
  /** Cuts it off. */
  readonly signal: AbortSignal;
}

/** No status line came within the timeout. */
export class TimedOutError extends Error {
  override readonly name = 'TimedOutError';
}

const LONGEST_BODY_BYTES = 4096;
/** The end of a body only frees the connection for the next request, which is not worth a longer wait. */
const BODY_WAIT_MS = 1000;

/**
 * Makes one request. Resolves with the answer once its body has ended, or has been given up together with the connection.
 * Rejects if no status line came.
 *
 * It uses undici's `dispatch`, because `request` creates a stream for each body and needs an `AbortSignal` each time.
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
    // The request could not be aborted while it was connecting.
    if (this.#hasEnded) controller.abort(new Error('given up'));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: HttpClient.DispatchController,
    httpStatus: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // An informational response; the answer is still to come.
    if (httpStatus < 200) return;
    const [retryAfter] = [headers['retry-after'] ?? []].flat();
    this.#answer = { httpStatus, ...defined({ retryAfter }) };
    // Most bodies end in the same packet, and then need no timer.
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

  /** Ends the exchange. If there is an answer, it counts, however its body ended. */
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
