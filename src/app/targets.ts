import { createPoller } from './poller.ts';
import type { PollerSpec, PollersParts } from './poller.ts';
import type { Config } from '../config/schema.ts';
import { targetText } from '../domain/execution/execution.ts';
import type { ExecutionKey, Target, TargetKey } from '../domain/execution/execution.ts';
import { createLibrary } from '../domain/cadence/hazard-book.ts';
import type { LiveExecution, TargetState, Targets as HttpTargets } from '../http/targets.ts';
import { createCredentialSource } from '../imagebuilder/aws-credentials.ts';
import type { Poller } from '../polling/poller.ts';
import { Succession } from '../polling/succession.ts';

export type TargetsParts = Omit<PollersParts, 'credentialsOf' | 'hazardsOf'>;

/** All targets of the configuration, each with its poller. */
export interface Targets extends HttpTargets {
  pollers(): readonly Poller[];
  pollerOf(key: TargetKey): Poller | undefined;
  start(): Promise<void>;
  /**
   * Polls these from now on. What has not changed polls on; of what has, the poller is replaced, and what it has learnt stays.
   * Resolves once that is done.
   */
  apply(config: Config): Promise<void>;
  /** As pollers stop. May be called again. */
  stop(limit: AbortSignal): Promise<void>;
}

/** Makes a poller for each target; none of them has started. */
export async function createTargets(given: TargetsParts): Promise<Targets> {
  const { store, clock, random, log } = given;
  const credentialsOf = createCredentialSource({ now: () => clock.now(), random });
  const parts = { ...given, credentialsOf, hazardsOf: createLibrary() };
  const newSuccession = () =>
    new Succession<PollerSpec>({ make: (spec, before) => createPoller(spec, parts, before), clock, log });

  const opened = [...specsOf(parts.config())].map(async ([key, spec]) => {
    const succession = newSuccession();
    await succession.open(spec);
    return [key, succession] as const;
  });
  /** One for each account and Region that ever was configured, those of now first and in order. */
  let successions = new Map(await Promise.all(opened));

  const pollers = () =>
    [...successions.values()].flatMap(({ poller }) => (poller === undefined ? [] : [poller]));
  const pollerOf = (key: TargetKey) => successions.get(targetText(key))?.poller;
  /** Those of now, too. */
  const everKnown = new Map((await store.activeTargets()).map((key) => [targetText(key), key]));

  /** If another poller follows meanwhile, that one is told as well. */
  const setPaused = async (name: string, isPaused: boolean) => {
    const key = pollers().find(({ target }) => target.name === name)?.target;
    let told: Poller | undefined;
    for (;;) {
      const poller = key && pollerOf(key);
      if (poller === undefined) return undefined;
      if (poller === told) return stateOf(poller);
      await store.operating.pauseTarget(poller.target, isPaused);
      poller.setPaused(isPaused);
      told = poller;
    }
  };

  return {
    pollers,
    pollerOf,
    configured: () => pollers().map(({ target }) => target),
    live: (keys: readonly ExecutionKey[]): Promise<readonly (LiveExecution | undefined)[]> =>
      Promise.resolve(keys.map((key) => pollerOf(key)?.live(key))),
    pollNow: (key) => Promise.resolve(pollerOf(key)?.pollNow(key) ?? false),
    async start() {
      for (const succession of successions.values()) await succession.start();
    },
    async apply(config) {
      const specs = specsOf(config);
      const before = successions;
      successions = new Map([...specs.keys()].map((key) => [key, before.get(key) ?? newSuccession()]));
      for (const [key, succession] of before) {
        if (!specs.has(key)) successions.set(key, succession);
        if (succession.poller !== undefined) everKnown.set(key, succession.poller.target);
      }
      await Promise.all([...successions].map(([key, succession]) => succession.become(specs.get(key))));
    },
    async stop(limit) {
      await Promise.all(successions.values().map((succession) => succession.stop(limit)));
    },
    pause: (name) => setPaused(name, true),
    resume: (name) => setPaused(name, false),
    async states() {
      const gone = [...everKnown.values()].filter((key) => pollerOf(key) === undefined);
      const states = await Promise.all(
        gone.map(async (key) => removedState(key, await store.countActive(key))),
      );
      return [...pollers().map(stateOf), ...states.filter(({ tracked }) => tracked > 0)];
    },
  };
}

/** By account and Region. */
function specsOf({ targets, polling }: Config): ReadonlyMap<string, PollerSpec> {
  return new Map(targets.map((target) => [targetText(target), { target, polling }]));
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
