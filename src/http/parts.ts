import type { CallbackFault } from '../domain/delivery/callback.ts';
import type { AttemptOutcome } from '../domain/delivery/delivery.ts';
import type { Notices } from '../notices/notices.ts';
import type { Registrar } from '../registration/registrar.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Token } from './auth.ts';
import type { Operating } from './operating.ts';
import type { Reading } from './reading.ts';
import type { Targets } from './targets.ts';

/** Where to listen; port 0 is any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What may change while it answers. */
export interface HttpSettings {
  readonly tokens: readonly Token[];
  /** No token is asked for. */
  readonly insecure: boolean;
  /** For each token; without one for each address. */
  readonly requestsPerMinute: number;
  /** Addresses and networks whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[];
}

export interface HttpOptions extends ListenAddress, HttpSettings {
  /** Given: `/metrics` answers only there, probes on both. */
  readonly metrics?: ListenAddress;
}

/** How a test of an endpoint went. */
export interface TestResult {
  readonly eventId: string;
  readonly outcome: AttemptOutcome;
  readonly httpStatus?: number;
  readonly durationSeconds: number;
  readonly error?: string;
}

/** Who brings events to endpoints. */
export interface Deliveries {
  /** Told that deliveries of an endpoint are due. */
  wake(endpoint: string): void;
  /** Sends an event that tells of nothing, at once; undefined where there is no such endpoint. */
  test(endpoint: string, signal: AbortSignal): Promise<TestResult | undefined>;
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** What the requests are answered from. */
export interface HttpParts {
  readonly reading: Reading;
  readonly operating: Operating;
  readonly targets: Targets;
  /** Names of the endpoints configured now. */
  endpoints(): readonly string[];
  readonly deliveries: Deliveries;
  /** What is wrong with a callback URL, if anything, by the configuration of now. */
  callbackFault(url: string): CallbackFault | undefined;
  readonly registrar: Registrar;
  readonly notices: Notices;
  metricsText(): Promise<{ readonly contentType: string; readonly body: string }>;
  readiness(): Promise<Readiness>;
  readonly clock: Clock;
  readonly log: Log;
}
