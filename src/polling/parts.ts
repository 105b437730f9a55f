import type { Target } from '../domain/execution.ts';
import type { Change } from '../domain/transition.ts';
import type { Gateway } from '../imagebuilder/gateway.ts';
import type { Budget } from '../limiter/budget.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from '../store/store.ts';
import type { CadenceBounds } from './schedule.ts';

/** What a poller works with. */
export interface PollerParts {
  readonly target: Target;
  readonly bounds: CadenceBounds;
  /** After so long without a final status tracking ends. */
  readonly giveUpAfterDays: number;
  readonly gateway: Gateway;
  readonly budget: Budget;
  readonly store: Pick<Store, 'active' | 'find' | 'record' | 'flushPolled' | 'saveRate'>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Names of the endpoints that are to get the change's event. */
  readonly endpointsFor: (change: Change) => readonly string[];
  /** Called once a change is durable. */
  readonly onRecorded: (change: Change, endpoints: readonly string[]) => void;
}
