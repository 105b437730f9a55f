import type { ExecutionKey } from '../domain/execution/execution.ts';
import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { RegistrationResult } from '../domain/execution/registration.ts';
import type { StallLimits } from '../domain/change/stall.ts';
import type { Change } from '../domain/change/transition.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget, BudgetState } from './budget.ts';
import type { Intake } from '../registration/intake.ts';
import type { Ledger } from './ledger.ts';
import type { ReachabilityParts } from './reachability.ts';
import type { CadenceBounds } from './schedule.ts';

export interface DiscoveryRules {
  readonly everySeconds: number;
  /** Told of each registration that it brings about. */
  readonly onRegistered: (outcome: RegistrationResult['outcome']) => void;
}

/** What a poller gives to its successor beside what is stored. */
export interface Handover {
  readonly isConfirmed: boolean;
  readonly budget: BudgetState;
  /** Executions that were to be looked at first. */
  readonly wanted: readonly ExecutionKey[];
}

/** What a poller works with. */
export interface PollerParts extends ReachabilityParts {
  readonly bounds: CadenceBounds;
  /** What is learnt of how long the target's executions stay in a status: empty, filled from the store at the start. */
  readonly hazards: HazardBook;
  /** After so long without a final status tracking ends. */
  readonly giveUpAfterDays: number;
  readonly stallLimits: StallLimits;
  readonly gateway: Gateway;
  /** Whether the credentials are known to be the account's, so that they need not be checked. Default: false. */
  readonly isConfirmed?: boolean;
  readonly budget: Budget;
  readonly ledger: Ledger;
  /** Where discovery registers what it finds. */
  readonly intake: Pick<Intake, 'register'>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Names of the endpoints that are to get the change's event. */
  readonly endpointsFor: (change: Change) => readonly string[];
  /** Given: the target's executions are looked for by themselves. */
  readonly discover?: DiscoveryRules | undefined;
  /** Called once a change is durable. */
  readonly onRecorded: (change: Change, endpoints: readonly string[]) => void;
}
