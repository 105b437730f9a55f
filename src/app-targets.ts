import type { Logger } from 'pino';
import type { Config } from './config/schema.ts';
import { callbackLane } from './domain/callback.ts';
import type { EventType, NewEvent } from './domain/event.ts';
import { targetText } from './domain/execution.ts';
import type { Execution, Target, TargetKey } from './domain/execution.ts';
import { matchesFilter } from './domain/filter.ts';
import { HazardBook, newEverything } from './domain/hazard-book.ts';
import type { Everything } from './domain/hazard-book.ts';
import type { Change } from './domain/transition.ts';
import type { TargetState } from './http/server.ts';
import { createCredentialSource } from './imagebuilder/aws-credentials.ts';
import type { CredentialSource } from './imagebuilder/aws-credentials.ts';
import { createAwsGateway } from './imagebuilder/aws-gateway.ts';
import { createMeasuredGateway } from './imagebuilder/measured-gateway.ts';
import { createBottleneckLimiter } from './limiter/bottleneck-limiter.ts';
import { createBudget } from './limiter/budget.ts';
import { countChange } from './metrics/collector.ts';
import type { Instruments } from './metrics/instruments.ts';
import { Poller } from './polling/poller.ts';
import type { Clock } from './runtime/clock.ts';
import type { Store } from './store/store.ts';

export interface TargetsParts {
  readonly config: Config;
  readonly store: Store;
  readonly instruments: Instruments;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Called when deliveries to an endpoint or to the lane of a callback are new. */
  readonly onDeliveries: (name: string) => void;
}

/** All targets of the configuration, each with its poller. */
export interface Targets {
  readonly pollers: readonly Poller[];
  pollerOf(key: TargetKey): Poller | undefined;
  /** Both are durable when they resolve; undefined where no target has this name. */
  pause(name: string): Promise<TargetState | undefined>;
  resume(name: string): Promise<TargetState | undefined>;
  /** The state of each, and of those that are configured no longer but still have active executions. */
  states(): Promise<readonly TargetState[]>;
}

/** Makes a poller for each target; none of them has started. */
export async function createTargets(parts: TargetsParts): Promise<Targets> {
  const { config, store } = parts;
  const shared = {
    credentialsOf: createCredentialSource({ now: () => parts.clock.now(), random: parts.random }),
    everything: newEverything(),
  };
  const pollers = await Promise.all(
    config.targets.map((target) => createPoller(target, { ...parts, ...shared })),
  );
  const byKey = new Map(pollers.map((poller) => [targetText(poller.target), poller]));
  const removed = (await store.activeTargets()).filter((key) => !byKey.has(targetText(key)));
  const changed = async (name: string, change: (poller: Poller) => Promise<void>) => {
    const poller = pollers.find(({ target }) => target.name === name);
    if (poller === undefined) return undefined;
    await change(poller);
    return stateOf(poller);
  };
  return {
    pollers,
    pollerOf: (key) => byKey.get(targetText(key)),
    pause: (name) => changed(name, (poller) => poller.pause()),
    resume: (name) => changed(name, (poller) => poller.resume()),
    async states() {
      const gone = await Promise.all(
        removed.map(async (key) => removedState(key, await store.countActive(key))),
      );
      return [...pollers.map(stateOf), ...gone.filter(({ tracked }) => tracked > 0)];
    },
  };
}

async function createPoller(
  target: Config['targets'][number],
  parts: TargetsParts & { readonly credentialsOf: CredentialSource; readonly everything: Everything },
): Promise<Poller> {
  const { config, store, instruments, clock, random, log, onDeliveries, credentialsOf, everything } = parts;
  const { name } = target;
  const { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds, giveUpAfterDays } = config.polling;
  const learnt = await store.loadRate(target);
  const gateway = createMeasuredGateway(
    createAwsGateway(target, { clock, credentialsOf }),
    ({ operation, outcome, durationSeconds }) => {
      instruments.apiRequests.inc({ target: name, operation, outcome });
      instruments.apiRequestDuration.observe({ target: name, operation }, durationSeconds);
    },
  );
  const budget = createBudget({
    makeLimiter: (perSecond) => createBottleneckLimiter({ perSecond, maxConcurrent: target.maxConcurrent }),
    clock,
    random,
    ceiling: target.requestsPerSecond,
    ...(learnt === undefined ? {} : { learnt }),
    onThrottle: (cause) => instruments.throttles.inc({ target: name, cause }),
  });
  return new Poller({
    target: { name, accountId: target.accountId, region: target.region },
    bounds: { targetLagSeconds, minIntervalSeconds, maxIntervalSeconds },
    hazards: new HazardBook(everything),
    giveUpAfterDays,
    stallLimits: target.stalledAfterSeconds,
    gateway,
    budget,
    store,
    clock,
    random,
    log,
    endpointsFor: ({ event, next }) =>
      event === undefined ? [] : endpointsFor(config, name, event.type, next),
    endpointsOfTarget: (type) => endpointsFor(config, name, type),
    onRecorded(change, endpoints) {
      countChange(instruments, name, change);
      logChange(log, name, change);
      endpoints.forEach(onDeliveries);
      const { callbackUrl } = change.next;
      if (change.event !== undefined && callbackUrl !== undefined) onDeliveries(callbackLane(callbackUrl));
    },
    discover: target.discover && {
      ...target.discover,
      onRegistered: (outcome) => instruments.registrations.inc({ source: 'discovery', outcome }),
    },
    onTargetRecorded({ type }: NewEvent, endpoints) {
      instruments.events.inc({ type });
      endpoints.forEach(onDeliveries);
    },
  });
}

/** Which endpoints get an event; one of the target as a whole is of no execution. */
function endpointsFor(
  { endpoints }: Config,
  targetName: string,
  type: EventType,
  execution?: Execution,
): readonly string[] {
  const { lifecyclePolicyArn, labels = {} } = execution ?? {};
  const filterable = { type, targetName, lifecyclePolicyArn, labels };
  return endpoints.filter((endpoint) => matchesFilter(endpoint, filterable)).map(({ name }) => name);
}

function logChange(log: Logger, target: string, { next, from, event }: Change): void {
  const { lifecycleExecutionId, status: to, tracking, reason } = next;
  const eventFields = event === undefined ? {} : { event: event.type, eventId: event.id };
  log.info({ target, lifecycleExecutionId, from, to, tracking, reason, ...eventFields }, 'status');
}

function stateOf(poller: Poller): TargetState {
  return { target: poller.target, ...poller.measures() };
}

function removedState({ accountId, region }: TargetKey, tracked: number): TargetState {
  const target: Target = { name: targetText({ accountId, region }), accountId, region };
  const message = 'the configuration has no such target: its executions are kept and not polled';
  return {
    target,
    isReachable: true,
    isPaused: false,
    problem: { kind: 'removed', message },
    rate: { perSecond: 0, ceiling: 0 },
    tracked,
    overdueSeconds: 0,
  };
}
