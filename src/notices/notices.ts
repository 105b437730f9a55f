import type { Operation } from '../domain/call/operation.ts';
import type { CallOutcome } from '../domain/call/outcome.ts';
import type { ThrottleCause } from '../domain/call/rate.ts';
import type { TargetProblem } from '../domain/call/reachability.ts';
import type { NewEvent } from '../domain/change/event.ts';
import type { Change } from '../domain/change/transition.ts';
import type { AttemptOutcome, DeliveryState } from '../domain/delivery/delivery.ts';
import type { ChangedLane } from '../domain/delivery/lane-health.ts';
import type { Source } from '../domain/execution/execution.ts';
import type { RegistrationOutcome } from '../domain/execution/registration.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';

/** Something that happened in the daemon. `target` and `endpoint` are names from the configuration. */
export type Notice =
  /** A request to AWS ended. */
  | {
      readonly kind: 'call_ended';
      readonly target: string;
      readonly operation: Operation;
      readonly outcome: CallOutcome;
      readonly durationSeconds: number;
    }
  | { readonly kind: 'throttled'; readonly target: string; readonly cause: ThrottleCause }
  | {
      readonly kind: 'registered';
      readonly source: Source;
      readonly outcome: RegistrationOutcome;
    }
  /** A change to an execution has been stored durably. */
  | { readonly kind: 'change_recorded'; readonly target: string; readonly change: Change }
  /** A target became unreachable or recovered, and the event has been stored durably. `problem` began or ended. */
  | {
      readonly kind: 'target_event_recorded';
      readonly target: string;
      readonly event: NewEvent;
      readonly problem: TargetProblem;
    }
  /** A request to an endpoint ended. */
  | {
      readonly kind: 'attempt_ended';
      readonly endpoint: string;
      readonly outcome: AttemptOutcome;
      readonly durationSeconds: number;
    }
  /** The result of an attempt has been stored durably. */
  | {
      readonly kind: 'delivery_settled';
      readonly endpoint: string;
      readonly deliveryId: number;
      readonly eventId: string;
      readonly outcome: AttemptOutcome;
      readonly httpStatus?: number;
      readonly error?: string;
      readonly state: DeliveryState;
    }
  /** A lane began to fail, recovered or was disabled, and that has been stored durably. */
  | ({ readonly kind: 'lane_health_changed' } & ChangedLane)
  /** An endpoint was enabled by hand. */
  | { readonly kind: 'endpoint_enabled'; readonly endpoint: string }
  /** Open deliveries became dead because their endpoint was removed from the configuration. */
  | { readonly kind: 'deliveries_abandoned'; readonly endpoint: string; readonly count: number }
  /** A configuration was applied or refused `at` this instant, epoch milliseconds. */
  | { readonly kind: 'configuration_loaded'; readonly isApplied: boolean; readonly at: number };

export type Subscriber = (notice: Notice) => void;

export interface Notices {
  /** Passes a notice to every subscriber before it returns. Never throws. */
  publish(notice: Notice): void;
}

/** Subscribers are called in the order given. If one throws, the error is logged and the others are still called. */
export function createNotices(subscribers: readonly Subscriber[], log: Pick<Log, 'error'>): Notices {
  return {
    publish(notice) {
      for (const subscriber of subscribers) {
        try {
          subscriber(notice);
        } catch (error) {
          log.error({ notice: notice.kind, ...errorFields(error) }, 'failed to process a notice');
        }
      }
    },
  };
}

/** Discards every notice, for programs that nobody observes. */
export const NO_NOTICES: Notices = { publish: () => undefined };
