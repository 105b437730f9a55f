import type { CallFailure, CallOutcome } from '../domain/call/outcome.ts';
import { linkSignals, untilAborted } from '../runtime/abort.ts';
import type { Clock } from '../runtime/clock.ts';
import { doublingPauseMs } from '../runtime/doubling.ts';
import { toCredentialsFailure } from './aws-failure.ts';

/** Credentials in the form that the SDK's clients accept. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Credentials that have just been received from their source. */
export interface ReceivedCredentials {
  readonly credentials: AwsCredentials;
  /** How much longer AWS accepts them; Infinity if that is unknown or for ever. */
  readonly lifeMs: number;
  /** When to read the source again. Default: before the end of their life. */
  readonly renewInMs?: number;
}

/** A call to STS that ended. */
export interface EndedStsCall {
  readonly operation: 'AssumeRole';
  readonly outcome: CallOutcome;
  readonly durationSeconds: number;
}
export type OnStsCall = (ended: EndedStsCall) => void;

/** Reads the source of credentials once. An abort of `signal` ends the request, if the source can be cancelled. */
export type ProvideCredentials = (signal: AbortSignal, onStsCall: OnStsCall) => Promise<ReceivedCredentials>;

export interface Credentials {
  /**
   * Returns credentials for one request. Rejects with `CredentialsError` if there are none. A call to STS that this causes is
   * reported to `onStsCall`.
   */
  get(onStsCall?: OnStsCall): Promise<AwsCredentials>;
  /** Discards the present credentials because AWS refused them, as soon as they are 5 s old; `get` then reads the source again. */
  refuse(): void;
  /** Makes the next `get` read the source again. The present credentials are kept in case that fails. */
  reread(): void;
}

/** There are no credentials. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The source of credentials did not answer in time. */
class CredentialsTimeoutError extends Error {
  override readonly name = 'CredentialsTimeoutError';
}

export interface CredentialsParts {
  readonly provide: ProvideCredentials;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** How long one request to the source is waited for. */
  readonly limitMs: number;
}

/** Temporary credentials are renewed in the last third of their life, and in the last ten minutes of a long one. */
const RENEWED_SHARE = 1 / 3;
const RENEWED_BEFORE_MS = 600_000;
/** Refused credentials are used until this age: the source would return the same, or the refusal has another reason. */
const FRESH_MS = 5000;
/** The pause after a request that failed, doubled with each failure in a row. */
const PAUSE_MS = { first: 500, longest: 60_000 } as const;
/**
 * Some sources cannot be cancelled. While so many requests to one source are unanswered, it is not asked again: each holds a
 * connection or a process.
 */
const MOST_UNANSWERED = 100;
/** The SDK's clients keep credentials until this time by the wall clock. Since it is over, they ask before each request. */
const ASK_EACH_TIME = new Date(0);

interface Present extends ReceivedCredentials {
  readonly receivedTick: number;
  readonly renewTick: number;
}

/**
 * Shares the credentials of one identity among all clients that use it. All times are on the monotonic clock, from the moment
 * when the credentials were received, so that no step of the wall clock ends or prolongs them. They are renewed before they
 * expire, at a random moment so that identities do not all renew at once; meanwhile, and if that fails, the old ones are used
 * until they expire.
 */
export class SharedCredentials implements Credentials {
  readonly #parts: CredentialsParts;
  #present: Present | undefined;
  /** True if the source must be read again before the present credentials are used. */
  #isOutdated = false;
  #asking: Promise<AwsCredentials> | undefined;
  /** Requests are numbered, so that one that was given up and answers late does not replace newer credentials. */
  #requests = 0;
  #accepted = 0;
  #unanswered = 0;
  #failures = 0;
  #failure: CredentialsError | undefined;
  #pausedUntilTick = -Infinity;

  constructor(parts: CredentialsParts) {
    this.#parts = parts;
  }

  async get(onStsCall: OnStsCall = () => undefined): Promise<AwsCredentials> {
    const tick = this.#parts.clock.monotonicNow();
    const usable = this.#usable();
    if (usable !== undefined && !this.#isOutdated) {
      // A renewal that fails is tried again later, and shows only if the credentials expire.
      if (tick >= usable.renewTick) this.#ask(onStsCall).catch(() => undefined);
      return forOneRequest(usable.credentials);
    }
    try {
      return forOneRequest(await this.#ask(onStsCall));
    } catch (error) {
      this.#isOutdated = false;
      const kept = this.#usable();
      if (kept === undefined) throw error;
      this.#present = { ...kept, renewTick: -Infinity };
      return forOneRequest(kept.credentials);
    }
  }

  refuse(): void {
    if (this.#present === undefined) return;
    this.#present = { ...this.#present, lifeMs: Math.min(this.#present.lifeMs, FRESH_MS) };
  }

  reread(): void {
    this.#isOutdated = true;
    this.#asking = undefined;
    this.#accepted = this.#requests;
    this.#failures = 0;
    this.#pausedUntilTick = -Infinity;
  }

  #usable(): Present | undefined {
    const { clock } = this.#parts;
    if (this.#present === undefined) return undefined;
    const { receivedTick, lifeMs } = this.#present;
    return clock.monotonicNow() < receivedTick + lifeMs ? this.#present : undefined;
  }

  /** Asks the source, once for all callers that wait at the same time. */
  #ask(onStsCall: OnStsCall): Promise<AwsCredentials> {
    if (this.#asking !== undefined) return this.#asking;
    const isPaused = this.#parts.clock.monotonicNow() < this.#pausedUntilTick;
    if (this.#failure !== undefined && (isPaused || this.#unanswered >= MOST_UNANSWERED))
      return Promise.reject(this.#failure);
    const asking = this.#request(onStsCall).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  /** Makes one request. If the source does not answer in time, the request is given up; an answer that comes later is used. */
  async #request(onStsCall: OnStsCall): Promise<AwsCredentials> {
    const { provide, clock, limitMs } = this.#parts;
    this.#requests += 1;
    const number = this.#requests;
    using limit = linkSignals([], limitMs, clock);
    this.#unanswered += 1;
    const answer = provide(limit.signal, onStsCall)
      .then((received) => {
        this.#accept(number, received);
        return received.credentials;
      })
      .finally(() => (this.#unanswered -= 1));
    try {
      return await untilAborted(answer, limit.signal);
    } catch (error) {
      const reason = limit.hasTimedOut
        ? new CredentialsTimeoutError(`no credentials within ${limitMs} ms`)
        : error;
      throw this.#failed(number, reason);
    }
  }

  #accept(number: number, received: ReceivedCredentials): void {
    if (number <= this.#accepted) return;
    const receivedTick = this.#parts.clock.monotonicNow();
    this.#accepted = number;
    this.#present = { ...received, receivedTick, renewTick: receivedTick + this.#renewInMs(received) };
    this.#isOutdated = false;
    this.#failures = 0;
    this.#pausedUntilTick = -Infinity;
  }

  /** Returns a random time in the first half of the renewal period. */
  #renewInMs({ lifeMs, renewInMs }: ReceivedCredentials): number {
    if (renewInMs !== undefined || lifeMs === Infinity) return renewInMs ?? Infinity;
    const beforeMs = Math.min(RENEWED_BEFORE_MS, lifeMs * RENEWED_SHARE);
    return lifeMs - beforeMs * (1 - this.#parts.random() / 2);
  }

  #failed(number: number, reason: unknown): CredentialsError {
    const { clock } = this.#parts;
    const failure =
      reason instanceof CredentialsError
        ? reason
        : new CredentialsError(toCredentialsFailure(reason, clock.now()));
    if (number !== this.#requests) return failure; // `reread` has begun another
    this.#failure = failure;
    this.#failures += 1;
    const pauseMs = doublingPauseMs(this.#failures, PAUSE_MS.first, PAUSE_MS.longest);
    this.#pausedUntilTick = clock.monotonicNow() + pauseMs;
    return failure;
  }
}

function forOneRequest(credentials: AwsCredentials): AwsCredentials {
  return { ...credentials, expiration: ASK_EACH_TIME };
}
