import type { Call } from './call-log.ts';
import type { Choices } from './choices.ts';
import type { Role } from './credentials.ts';

export interface SimulatorOptions extends Partial<Choices> {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Image Builder's budget for each account and Region. Default: 20 per second, in bursts of up to 20. */
  readonly ratePerSecond?: number;
  readonly burst?: number;
  /** Accounts by access key; other keys are refused. Default: every key belongs to `DEFAULT_ACCOUNT_ID`. */
  readonly accounts?: Readonly<Record<string, string>>;
  /** The roles that may be assumed. Default: every role, without an externalId. */
  readonly roles?: readonly Role[];
  /** The lifetime of temporary credentials. Default: as the caller asks, else an hour. */
  readonly sessionMs?: number;
  /** The same seed gives the same random ids, timelines and chances. */
  readonly seed?: number;
  /** Returns epoch milliseconds. */
  readonly now?: () => number;
  /** Every answer is held back for this long after it was decided upon. Default: 0. */
  readonly latencyMs?: number;
  /** Called with each call right before its answer goes out. Must not throw. */
  readonly onCall?: (call: Call) => void;
}
