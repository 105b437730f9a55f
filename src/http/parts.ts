import type { CallbackFault } from '../domain/delivery/callback.ts';
import type { AttemptOutcome } from '../domain/delivery/delivery.ts';
import type { ExecutionKey, Target } from '../domain/execution/execution.ts';
import type { ProblemKind } from '../domain/call/reachability.ts';
import type { Registration, RegistrationResult } from '../domain/execution/registration.ts';
import type { Notices } from '../notices/notices.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Token } from './auth.ts';
import type { Operating } from './operating.ts';
import type { Reading } from './reading.ts';

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

/** What is known of an active execution beyond the store. Instants are epoch milliseconds. */
export interface LiveExecution {
  readonly lastPolledAt?: number;
  readonly nextPollAt?: number;
  readonly estimatedDetectionLagSeconds: number;
}

/** What is known of a target now. Instants are epoch milliseconds, rates calls per second. */
export interface TargetState {
  readonly target: Target;
  readonly isReachable: boolean;
  readonly isPaused: boolean;
  readonly problem?: { readonly kind: ProblemKind | 'removed'; readonly message: string };
  readonly rate: { readonly perSecond: number; readonly ceiling: number; readonly lastThrottledAt?: number };
  /** Active executions. */
  readonly tracked: number;
  readonly overdueSeconds: number;
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
  /** The targets configured now. */
  targets(): readonly Target[];
  /** Names of the endpoints configured now. */
  endpoints(): readonly string[];
  readonly deliveries: Deliveries;
  /** What is wrong with a callback URL, if anything, by the configuration of now. */
  callbackFault(url: string): CallbackFault | undefined;
  /** Durable before it resolves; results in the order given. */
  register(registrations: readonly Registration[]): Promise<readonly RegistrationResult[]>;
  /** False where there was nothing to remove. */
  remove(key: ExecutionKey): Promise<boolean>;
  /** Puts an execution first. False where it is not looked after. */
  pollNow(key: ExecutionKey): boolean;
  /** Undefined where it is not looked after. */
  live(key: ExecutionKey): LiveExecution | undefined;
  /** Of every target, also of those that are configured no longer and still have active executions. */
  targetStates(): Promise<readonly TargetState[]>;
  /** Durable before it resolves; undefined where no target of this name is configured. */
  pauseTarget(name: string): Promise<TargetState | undefined>;
  resumeTarget(name: string): Promise<TargetState | undefined>;
  readonly notices: Notices;
  metricsText(): Promise<{ readonly contentType: string; readonly body: string }>;
  readiness(): Promise<Readiness>;
  readonly clock: Clock;
  readonly log: Log;
}
