import { isGone, missedAgain } from '../domain/change/absence.ts';
import type { Execution } from '../domain/execution/execution.ts';
import { isInOrder } from '../domain/execution/observation.ts';
import type { Observation } from '../domain/execution/observation.ts';
import type { CallFailure, CallResult } from '../domain/call/outcome.ts';
import { stall } from '../domain/change/stall.ts';
import { isFinal } from '../domain/execution/status.ts';
import { stayKind, watchedUntil } from '../domain/cadence/stay.ts';
import { notFound } from '../domain/change/tracking-end.ts';
import { transition } from '../domain/change/transition.ts';
import type { Change } from '../domain/change/transition.ts';
import type { PollerParts } from './parts.ts';
import type { TargetReachability } from './reachability.ts';
import type { Resources } from './resources.ts';
import type { Roster } from './roster.ts';
import { withWishesOf } from './tracked.ts';
import type { Tracked } from './tracked.ts';

/** What becomes of an execution after a look at it. */
export class Settling {
  readonly #parts: PollerParts;
  readonly #roster: Roster;
  readonly #reachability: TargetReachability;
  readonly #resources: Resources;
  readonly #stopping: AbortSignal;

  /** `stopping`: what holds an event up is not waited for any more. */
  constructor(
    parts: PollerParts,
    {
      roster,
      reachability,
      resources,
    }: {
      readonly roster: Roster;
      readonly reachability: TargetReachability;
      readonly resources: Resources;
    },
    stopping: AbortSignal,
  ) {
    this.#parts = parts;
    this.#roster = roster;
    this.#reachability = reachability;
    this.#resources = resources;
    this.#stopping = stopping;
  }

  /** Takes in how a look ended, and puts the execution back into the schedule where it stays tracked. */
  async settle(tracked: Tracked, result: CallResult<Observation>): Promise<void> {
    tracked.lastLookTick = this.#parts.clock.monotonicNow();
    if (!this.#roster.isCurrent(tracked) || tracked.isEnding) return;
    switch (result.outcome) {
      case 'ok':
        await this.#observe(tracked, result.value);
        break;
      case 'missing':
        this.#logFailure('debug', tracked, result);
        await this.#miss(tracked);
        break;
      case 'throttled':
        // It says nothing of the execution, which is due as it was.
        this.#logFailure('debug', tracked, result);
        this.#roster.schedule.first(tracked);
        return;
      case 'unavailable':
      case 'denied':
      case 'rejected':
      case 'malformed':
        this.#logFailure('warn', tracked, result);
        break;
    }
    this.#roster.again(tracked);
  }

  /** Makes a change durable and tells of it; takes over what is stored where that is no longer what it was made from. */
  async record(tracked: Tracked, change: Change): Promise<void> {
    const endpoints = change.event === undefined ? [] : this.#parts.endpointsFor(change);
    const { ledger, clock } = this.#parts;
    if ((await ledger.record(change, endpoints, clock.now())) === 'conflict') {
      await this.#reload(tracked);
      return;
    }
    this.#roster.change(tracked, withWishesOf(tracked.execution, change.next));
    this.#parts.onRecorded(change, endpoints);
    if (change.next.tracking !== 'active' && this.#roster.isCurrent(tracked))
      this.#roster.forget(tracked.execution);
  }

  async #observe(tracked: Tracked, observation: Observation): Promise<void> {
    if (!isInOrder(observation, tracked.lastAcceptedTick)) return;
    tracked.lastAcceptedTick = observation.answeredTick;
    if (isFinal(observation.status)) await this.#end(tracked, observation);
    else await this.#apply(tracked, observation);
  }

  /** Its event tells what was done to resources, too; until that is known, nothing else is made of the execution. */
  async #end(tracked: Tracked, observation: Observation): Promise<void> {
    tracked.isEnding = true;
    try {
      const resources = await this.#resources.touchedBy(tracked.execution, this.#stopping);
      await this.#apply(tracked, { ...observation, ...(resources === undefined ? {} : { resources }) });
      if (resources?.truncated === true) this.#resources.wake();
    } finally {
      tracked.isEnding = false;
      this.#roster.change(tracked, tracked.execution);
    }
  }

  async #apply(tracked: Tracked, observation: Observation): Promise<void> {
    const { target, stallLimits } = this.#parts;
    const { execution } = tracked;
    const change =
      transition(execution, target, observation) ?? stall(execution, target, observation, stallLimits);
    if (change === undefined) {
      const { absence: _over, ...seen } = execution;
      this.#roster.note(tracked, { ...seen, lastPolledAt: observation.sentAt });
    } else {
      await this.record(tracked, change);
    }
    // Not before it is recorded: where the store fails, the same end is seen again.
    this.#learn(execution, observation);
  }

  /** How long the execution has been in its status says how long others will be. */
  #learn(execution: Execution, observation: Observation): void {
    const watched = watchedUntil(execution, observation);
    const { lifecyclePolicyArn, status } = execution;
    if (watched !== undefined) this.#parts.hazards.watch(lifecyclePolicyArn, stayKind(status), watched);
  }

  /** No such execution, says AWS; believed only after a while, and not where it says so of all of them. */
  async #miss(tracked: Tracked): Promise<void> {
    const now = this.#parts.clock.now();
    const absence = missedAgain(tracked.execution.absence, now);
    this.#roster.note(tracked, { ...tracked.execution, absence });
    const since = this.#roster.allMissingSince();
    if (since !== undefined) {
      const message =
        'AWS knows none of the executions any more: wrong Region, or a store of another account?';
      await this.#reachability.fail({ kind: 'all_missing', message, since });
    } else if (this.#reachability.isReachable && isGone(tracked.execution, absence, now)) {
      await this.record(tracked, notFound(tracked.execution, this.#parts.target, absence.since, now));
    }
  }

  /** Somebody else changed it: what they stored holds, and only a new look may change it again. */
  async #reload(tracked: Tracked): Promise<void> {
    const stored = await this.#parts.ledger.find(tracked.execution.lifecycleExecutionId);
    if (!this.#roster.isCurrent(tracked)) return;
    this.#roster.forget(tracked.execution);
    if (stored !== undefined) this.#roster.track(stored);
  }

  #logFailure(level: 'debug' | 'warn', { execution }: Tracked, failure: CallFailure): void {
    const { lifecycleExecutionId } = execution;
    const fields = { target: this.#parts.target.name, lifecycleExecutionId, ...failure };
    this.#parts.log[level](fields, 'look did not succeed');
  }
}
