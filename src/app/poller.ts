import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { callbackLane } from '../domain/delivery/callback.ts';
import type { EventType } from '../domain/change/event.ts';
import { isSameTarget } from '../domain/execution/execution.ts';
import type { Execution, Target, TargetKey } from '../domain/execution/execution.ts';
import { matchesFilter } from '../domain/change/filter.ts';
import type { HazardBook } from '../domain/cadence/hazard-book.ts';
import type { CredentialSource } from '../imagebuilder/aws-credentials.ts';
import { createAwsGateway } from '../imagebuilder/aws-gateway.ts';
import { createMeasuredGateway } from '../imagebuilder/measured-gateway.ts';
import { createBottleneckLimiter } from '../limiter/bottleneck-limiter.ts';
import { createBudget } from '../polling/budget.ts';
import type { Notices } from '../notices/notices.ts';
import { Poller } from '../polling/poller.ts';
import type { Incumbent } from '../polling/succession.ts';
import type { Clock } from '../runtime/clock.ts';
import { SOLE_TERM } from '../store/store.ts';
import type { Store } from '../store/store.ts';

/** All that a poller is made of by the configuration: where that is another, the poller is replaced. */
export interface PollerSpec {
  readonly target: Config['targets'][number];
  readonly polling: Config['polling'];
}

export interface PollersParts {
  /** That of now. */
  readonly config: () => Config;
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Called when deliveries to an endpoint or to the lane of a callback are new. */
  readonly onDeliveries: (name: string) => void;
  readonly credentialsOf: CredentialSource;
  /** What was learnt of a target: one book for all pollers that it ever has. */
  readonly hazardsOf: (target: TargetKey) => HazardBook;
}

/** A poller that has not started, and goes on from the one `before` it, else from what the store has of its rate. */
export async function createPoller(
  { target, polling }: PollerSpec,
  parts: PollersParts,
  before?: Incumbent<PollerSpec, Poller>,
): Promise<Poller> {
  const { config, store, notices, clock, random, log, onDeliveries, credentialsOf } = parts;
  const { name, accountId, region } = target;
  const { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds, giveUpAfterDays } = polling;
  const ledger = store.ledgerOf(target, SOLE_TERM);
  const learnt = await ledger.loadRate();
  const handover = before?.poller.handOver();
  const gateway = createMeasuredGateway(createAwsGateway(target, { clock, credentialsOf }), (call) =>
    notices.publish({ kind: 'call_ended', target: name, ...call }),
  );
  const budget = createBudget({
    makeLimiter: (perSecond) => createBottleneckLimiter({ perSecond, maxConcurrent: target.maxConcurrent }),
    clock,
    random,
    ceiling: target.requestsPerSecond,
    ...(learnt === undefined ? {} : { learnt }),
    ...(handover === undefined ? {} : { before: handover.budget }),
    onThrottle: (cause) => notices.publish({ kind: 'throttled', target: name, cause }),
  });
  return new Poller({
    target: { name, accountId, region },
    bounds: { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds },
    hazards: parts.hazardsOf(target),
    giveUpAfterDays,
    stallLimits: target.stalledAfterSeconds,
    gateway,
    isConfirmed: handover?.isConfirmed === true && isSameIdentity(target, before?.spec.target),
    budget,
    ledger,
    intake: store.intake,
    clock,
    random,
    log,
    endpointsFor: ({ event, next }) =>
      event === undefined ? [] : endpointsFor(config(), target, event.type, next),
    endpointsOfTarget: (type) => endpointsFor(config(), target, type),
    onRecorded(change, endpoints) {
      notices.publish({ kind: 'change_recorded', target: name, change });
      endpoints.forEach(onDeliveries);
      const { callbackUrl } = change.next;
      if (change.event !== undefined && callbackUrl !== undefined) onDeliveries(callbackLane(callbackUrl));
    },
    discover: target.discover && {
      ...target.discover,
      onRegistered: (outcome) => notices.publish({ kind: 'registered', source: 'discovery', outcome }),
    },
    onTargetRecorded(event, problem, endpoints) {
      notices.publish({ kind: 'target_event_recorded', target: name, event, problem });
      endpoints.forEach(onDeliveries);
    },
  });
}

/** Whether calls go to the same place as the same identity, so that its account needs no other check. */
function isSameIdentity(target: PollerSpec['target'], before: PollerSpec['target'] | undefined): boolean {
  return (['roleArn', 'externalId', 'endpoint', 'stsEndpoint'] as const).every(
    (key) => target[key] === before?.[key],
  );
}

/**
 * Which endpoints get an event; one of the target as a whole is of no execution. Filters and the names that they are for are
 * those of one configuration, also where the poller still bears an earlier name.
 */
function endpointsFor(
  { endpoints, targets }: Config,
  target: Target,
  type: EventType,
  execution?: Execution,
): readonly string[] {
  const { name: targetName } = targets.find((configured) => isSameTarget(configured, target)) ?? target;
  const { lifecyclePolicyArn, labels = {} } = execution ?? {};
  const filterable = { type, targetName, lifecyclePolicyArn, labels };
  return endpoints.filter((endpoint) => matchesFilter(endpoint, filterable)).map(({ name }) => name);
}
