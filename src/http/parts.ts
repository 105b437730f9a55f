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

/** An address to listen on. Port 0 stands for any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The settings that may change while the server runs. */
export interface HttpSettings {
  readonly tokens: readonly Token[];
  /** If true, no token is required. */
  readonly insecure: boolean;
  /** The limit of each token. Requests without a valid token are limited by address. */
  readonly requestsPerMinute: number;
  /** The addresses and networks whose X-Forwarded-For header is trusted. */
  readonly trustedProxies: readonly string[];
}

export interface HttpOptions extends ListenAddress, HttpSettings {
  /** If present, `/metrics` answers only at this address, and probes answer at both. */
  readonly metrics?: ListenAddress;
}

/** The outcome of a test event. */
export interface EndpointTestResult {
  readonly eventId: string;
  readonly outcome: AttemptOutcome;
  readonly httpStatus?: number;
  readonly durationSeconds: number;
  readonly error?: string;
}

/** The deliveries of events to endpoints. */
export interface Deliveries {
  /** Called when deliveries to an endpoint have become due. */
  wake(endpoint: string): void;
  /** Sends a test event at once. Resolves with undefined if there is no such endpoint. */
  test(endpoint: string, signal: AbortSignal): Promise<EndpointTestResult | undefined>;
}

/** The names of the endpoints that are configured now. */
export type EndpointNames = () => readonly string[];

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** Everything that the server needs from the rest of the daemon. Each group of routes gets only its own collaborators. */
export interface HttpParts {
  readonly reading: Reading;
  readonly operating: Operating;
  readonly targets: Targets;
  readonly endpoints: EndpointNames;
  readonly deliveries: Deliveries;
  /** Returns the fault of a callback URL, if any, according to the current configuration. */
  readonly callbackFault: (url: string) => CallbackFault | undefined;
  readonly registrar: Registrar;
  readonly notices: Notices;
  readonly metricsText: () => Promise<MetricsText>;
  readonly readiness: () => Promise<Readiness>;
  readonly clock: Clock;
  readonly log: Log;
}
