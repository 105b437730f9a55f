import type { Dispatcher as HttpClient } from 'undici';
import { onAbort } from '../../runtime/abort.ts';
import { defined } from '../../runtime/defined.ts';
import type { Connection, ConnectionRequest, Connections } from './connections.ts';

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
 * Rejects if no status line came. A connection that was idle may be closed by the receiver just when the request is sent. If one
 * ends before any byte of an answer, the request is sent once more over a new one.
 *
 * It uses undici's `dispatch`, because `request` creates a stream for each body and needs an `AbortSignal` each time.
 */
export function exchange(
  connections: Connections,
  request: ConnectionRequest,
  limits: ExchangeLimits,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (limits.signal.aborted) {
      reject(new Error('cut off'));
      return;
    }
    new Exchange(connections, request, limits, { resolve, reject }).send();
  });
}

interface Outcome {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

class Exchange implements HttpClient.DispatchHandler {
  readonly #connections: Connections;
  readonly #request: ConnectionRequest;
  readonly #outcome: Outcome;
  readonly #endsTick: number;
  readonly #unlink: () => void;
  #connection: Connection;
  #timer: NodeJS.Timeout;
  #answer: Answer | undefined;
  #bodyBytes = 0;
  #hasEnded = false;

  constructor(
    connections: Connections,
    request: ConnectionRequest,
    { timeoutMs, signal }: ExchangeLimits,
    outcome: Outcome,
  ) {
    this.#connections = connections;
    this.#request = request;
    this.#outcome = outcome;
    this.#connection = connections.take(request.origin);
    this.#endsTick = performance.now() + timeoutMs;
    this.#timer = setTimeout(
      () => this.#abandon(new TimedOutError(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#unlink = onAbort(signal, () => this.#abandon(new Error('cut off')));
  }

  send(): void {
    this.#connection.dispatch(this.#request, this);
  }

  // undici requires it. A request is cut off together with its connection, which is possible at any time.
  onRequestStart(): void {
    return undefined;
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
    if (this.#bodyBytes > LONGEST_BODY_BYTES) this.#abandon();
  }

  onResponseEnd(): void {
    if (this.#hasEnded) return;
    this.#connections.release(this.#connection);
    this.#end();
  }

  onResponseError(_controller: HttpClient.DispatchController, error: Error): void {
    if (this.#hasEnded) return;
    if (this.#answer === undefined && this.#connection.isReusedAndSilent) {
      this.#connections.discard(this.#connection);
      this.#connection = this.#connections.open(this.#request.origin);
      this.send();
    } else this.#abandon(error);
  }

  #limitBody(): void {
    if (this.#hasEnded) return;
    const leftMs = this.#endsTick - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abandon(), Math.min(leftMs, BODY_WAIT_MS));
  }

  /** Ends the exchange together with the connection. */
  #abandon(error?: Error): void {
    if (this.#hasEnded) return;
    this.#end(error);
    this.#connections.discard(this.#connection);
  }

  /** If there is an answer, it counts, however its body ended. */
  #end(error?: Error): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#unlink();
    if (this.#answer === undefined) this.#outcome.reject(error ?? new Error('no answer'));
    else this.#outcome.resolve(this.#answer);
  }
}
