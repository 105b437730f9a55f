import type { HazardBook } from '../../domain/cadence/hazard-book.ts';
import { stayKind, observedSpan } from '../../domain/cadence/stay.ts';
import type { CallResult } from '../../domain/call/outcome.ts';
import { isGone, withMissingAnswer } from '../../domain/change/absence.ts';
import { stall } from '../../domain/change/stall.ts';
import type { StallLimits } from '../../domain/change/stall.ts';
import { expire, notFound } from '../../domain/change/tracking-end.ts';
import { transition } from '../../domain/change/transition.ts';
import type { Execution, Target } from '../../domain/execution/execution.ts';
import { isInOrder } from '../../domain/execution/observation.ts';
import type { Observation } from '../../domain/execution/observation.ts';
import { isFinal } from '../../domain/execution/status.ts';
import type { Clock } from '../../runtime/clock.ts';
import { defined } from '../../runtime/defined.ts';
import type { Tracked } from '../executions/tracked.ts';
import type { TrackedExecutions } from '../executions/tracked-executions.ts';
import type { TouchedResources } from '../lists/touched-resources.ts';
import type { TargetReachability } from '../reachability.ts';
import type { Witness } from '../witness.ts';
import type { ChangeRecorder } from './change-recorder.ts';

export interface LookResultsParts {
  readonly target: Target;
  readonly stallLimits: StallLimits;
  readonly hazards: Pick<HazardBook, 'watch'>;
  readonly executions: TrackedExecutions;
  readonly recorder: ChangeRecorder;
  readonly reachability: Pick<TargetReachability, 'isReachable' | 'fail'>;
  readonly resources: Pick<TouchedResources, 'listFor' | 'completeSoon'>;
  readonly witness: Pick<Witness, 'date'>;
  readonly clock: Clock;
  /** Once it aborts, no final event waits for the list of touched resources any more. */
  readonly hurry: AbortSignal;
}

/** Draws the conclusions from looks and from deadlines that pass. */
export class LookResults {
  readonly #parts: LookResultsParts;

  constructor(parts: LookResultsParts) {
    this.#parts = parts;
  }

  /** Takes in how a look ended, and puts the execution back into the schedule if it stays tracked. */
  async apply(tracked: Tracked, result: CallResult<Observation>): Promise<void> {
    const { executions, clock } = this.#parts;
    tracked.lastLookTick = clock.monotonicNow();
    if (!executions.isCurrent(tracked) || tracked.isEnding) return;
    switch (result.outcome) {
      case 'ok':
        await this.#observe(tracked, result.value);
        break;
      case 'missing':
        await this.#miss(tracked, result.answerDate);
        break;
      case 'throttled':
        // It says nothing about the execution, which is still due.
        executions.schedule.scheduleFirst(tracked);
        return;
      case 'unavailable':
      case 'denied':
      case 'rejected':
      case 'malformed':
        break;
    }
    executions.reschedule(tracked);
  }

  /** Begins the term of an execution, or ends tracking if it is over, because the clock of AWS has reached that with `date`. */
  async reachExpiry(tracked: Tracked, date: number): Promise<void> {
    const { executions, recorder, target, clock } = this.#parts;
    const { expiries } = executions;
    if (tracked.isEnding) return;
    if (!expiries.hasBegun(tracked)) {
      executions.replaceUnsaved(tracked, { ...tracked.execution, trackedSinceDate: date });
      expiries.plan(tracked);
    } else if (expiries.isOver(tracked, date)) {
      await recorder.record(tracked, expire(tracked.execution, target, clock.now()));
    }
  }

  async #observe(tracked: Tracked, observation: Observation): Promise<void> {
    const { lastAcceptedTick, execution } = tracked;
    if (!isInOrder(observation, lastAcceptedTick)) return;
    tracked.lastAcceptedTick = observation.answeredTick;
    if (observation.status !== execution.status) tracked.stayTick = observation.answeredTick;
    if (isFinal(observation.status)) await this.#end(tracked, observation);
    else await this.#record(tracked, observation);
  }

  /** The final event also lists the touched resources. Nothing else changes the execution until they are known. */
  async #end(tracked: Tracked, observation: Observation): Promise<void> {
    const { executions, resources, hurry } = this.#parts;
    tracked.isEnding = true;
    try {
      const touched = await resources.listFor(tracked.execution, hurry);
      await this.#record(tracked, { ...observation, ...defined({ resources: touched }) });
      if (touched?.truncated === true) resources.completeSoon();
    } finally {
      tracked.isEnding = false;
      executions.replace(tracked, tracked.execution);
    }
  }

  async #record(tracked: Tracked, observation: Observation): Promise<void> {
    const { target, stallLimits, executions, recorder } = this.#parts;
    const { execution, lastSeenTick } = tracked;
    const change =
      transition(execution, target, observation) ?? stall(execution, target, observation, stallLimits);
    if (change === undefined) {
      const { absence: _, ...seen } = execution;
      const { sentAt } = observation;
      executions.replaceUnsaved(tracked, { ...seen, lastPolledAt: sentAt, lastSeenAt: sentAt });
    } else {
      await recorder.record(tracked, change);
    }
    // Learnt only now, because the same end is seen again if the store fails.
    tracked.lastSeenTick = observation.sentTick;
    this.#learn(execution, observation, lastSeenTick);
  }

  /** The time that this execution has spent in its status says how long others will stay in it. */
  #learn(execution: Execution, observation: Observation, lastSeenTick: number | undefined): void {
    const watched = observedSpan(execution, observation, lastSeenTick);
    const { lifecyclePolicyArn, status } = execution;
    if (watched !== undefined) this.#parts.hazards.watch(lifecyclePolicyArn, stayKind(status), watched);
  }

  /** "No such execution" is believed only after a while, and not if AWS says so of all executions. */
  async #miss(tracked: Tracked, answerDate: number | undefined): Promise<void> {
    const { target, executions, recorder, reachability, witness, clock } = this.#parts;
    const now = clock.now();
    const absence = withMissingAnswer(tracked.execution.absence, now, answerDate);
    executions.replaceUnsaved(tracked, { ...tracked.execution, absence, lastPolledAt: now });
    const since = executions.allMissingSince();
    if (since !== undefined) {
      const message =
        'AWS knows none of the executions any more: wrong Region, or a store of another account?';
      await reachability.fail({ kind: 'all_missing', message, since });
    } else if (reachability.isReachable && isGone(tracked.execution, absence, now, witness.date)) {
      await recorder.record(tracked, notFound(tracked.execution, target, absence.since, now));
    }
  }
}
