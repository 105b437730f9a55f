import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { ExecutionKey, Target } from '../domain/execution/execution.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Notices } from '../notices/notices.ts';
import type { Registrar } from '../registration/registrar.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Budget, BudgetState } from './budget.ts';
import type { CadenceBounds } from './executions/schedule.ts';
import type { TrackingRules } from './executions/tracked-executions.ts';
import type { Ledger } from './ledger.ts';
import type { DiscoveryRules } from './lists/discovery.ts';
import type { Recipients } from './recipients.ts';

/** The rules that the configuration sets for a target. */
export interface PollingRules extends TrackingRules {
  readonly target: Target;
  readonly bounds: CadenceBounds;
  /** Undefined if executions are not to be discovered. */
  readonly discover?: DiscoveryRules | undefined;
}

/** The world around a poller. */
export interface PollerSurroundings {
  readonly gateway: Gateway;
  readonly budget: Budget;
  readonly ledger: Ledger;
  /** Durations of stays learnt from the target's executions. Empty; filled from the store at the start. */
  readonly hazards: HazardBook;
  /** Registers the executions that discovery finds. */
  readonly registrar: Pick<Registrar, 'register'>;
  readonly recipients: Recipients;
  readonly notices: Notices;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** The state that a poller passes to its successor, in addition to the stored state. */
export interface Handover {
  readonly isConfirmed: boolean;
  readonly budget: BudgetState;
  /** Executions that somebody asked to be polled now and that have not been. */
  readonly wanted: readonly ExecutionKey[];
}
