import { targetText } from '../domain/execution/execution.ts';
import type { ExecutionKey, Target, TargetKey } from '../domain/execution/execution.ts';
import type { LiveExecution, TargetState, Targets as TargetsOfHttp } from '../http/targets.ts';
import type { Tracking } from '../registration/tracking.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Poller } from './poller.ts';
import { Replacement } from './replacement.ts';
import type { ReplacementParts } from './replacement.ts';

/** The part of the store that concerns the targets as a whole. */
export interface TargetsStore {
  /** Returns every account and Region that has active executions. */
  activeTargets(): Promise<readonly TargetKey[]>;
  countActive(key: TargetKey): Promise<number>;
  readonly operating: { pauseTarget(key: TargetKey, isPaused: boolean): Promise<void> };
}

export interface TargetsParts<S> {
  readonly make: ReplacementParts<S, Poller>['make'];
  readonly store: TargetsStore;
  readonly tracking: Tracking;
  readonly clock: Clock;
  readonly log: Log;
}

/** A target and the settings of its poller. */
export interface TargetSettings {
  readonly target: Target;
}

/** The targets of the configuration, each with its poller. `S` holds the settings of a poller; if they change, it is replaced. */
export class Targets<S extends TargetSettings> implements TargetsOfHttp {
  readonly #parts: TargetsParts<S>;
  /** One for each account and Region that has ever been configured, the present ones first and in order. */
  #replacements = new Map<string, Replacement<S>>();
  /** Every account and Region that is or has been configured, or has active executions. */
  readonly #everKnown: Map<string, TargetKey>;
  /** Those that are not configured, and since when that has been known, in epoch milliseconds. */
  readonly #removed = new Map<string, { readonly key: TargetKey; readonly since: number }>();

  private constructor(parts: TargetsParts<S>, everKnown: readonly TargetKey[]) {
    this.#parts = parts;
    this.#everKnown = new Map(everKnown.map((key) => [targetText(key), key]));
  }

  /** Makes a poller for each target. None of them has started. */
  static async open<S extends TargetSettings>(
    settings: readonly S[],
    parts: TargetsParts<S>,
  ): Promise<Targets<S>> {
    const targets = new Targets(parts, await parts.store.activeTargets());
    const opened = settings.map(async (one) => {
      const replacement = targets.#newReplacement(one.target);
      await replacement.open(one);
      return [targetText(one.target), replacement] as const;
    });
    targets.#replacements = new Map(await Promise.all(opened));
    targets.#noteRemoved();
    return targets;
  }

  async start(): Promise<void> {
    for (const replacement of this.#replacements.values()) await replacement.start();
  }

  /**
   * Polls these targets from now on. A target whose settings are the same is polled without interruption; otherwise its poller
   * is replaced, and everything learnt stays. Resolves once that is done.
   */
  async apply(settings: readonly S[]): Promise<void> {
    const wanted = new Map(settings.map((one) => [targetText(one.target), one]));
    const before = this.#replacements;
    this.#replacements = new Map(
      [...wanted].map(([key, { target }]) => [key, before.get(key) ?? this.#newReplacement(target)]),
    );
    for (const [key, replacement] of before) {
      if (!wanted.has(key)) this.#replacements.set(key, replacement);
      if (replacement.poller !== undefined) this.#everKnown.set(key, replacement.poller.target);
    }
    const becoming = [...this.#replacements].map(([key, one]) => one.become(wanted.get(key)));
    this.#noteRemoved();
    await Promise.all(becoming);
    this.#noteRemoved();
  }

  /** Stops all pollers, as `Poller.stop` does. May be called again. */
  async stop(limit: AbortSignal): Promise<void> {
    await Promise.all(this.#replacements.values().map((replacement) => replacement.stop(limit)));
  }

  pollers(): readonly Poller[] {
    return [...this.#replacements.values()].flatMap(({ poller }) => (poller === undefined ? [] : [poller]));
  }

  configured(): readonly Target[] {
    return this.pollers().map(({ target }) => target);
  }

  async states(): Promise<readonly TargetState[]> {
    const removed = [...this.#removed.values()].filter(({ key }) => this.#pollerOf(key) === undefined);
    const states = await Promise.all(removed.map(({ key, since }) => this.#removedState(key, since)));
    return [
      ...(await Promise.all(this.pollers().map((poller) => this.#stateOf(poller)))),
      ...states.filter(({ tracked }) => tracked > 0),
    ];
  }

  pause(name: string): Promise<TargetState | undefined> {
    return this.#setPaused(name, true);
  }

  resume(name: string): Promise<TargetState | undefined> {
    return this.#setPaused(name, false);
  }

  live(keys: readonly ExecutionKey[]): Promise<readonly (LiveExecution | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.#pollerOf(key)?.executions.live(key)));
  }

  pollNow(key: ExecutionKey): Promise<boolean> {
    return Promise.resolve(this.#pollerOf(key)?.pollNow(key) ?? false);
  }

  /** While a poller reads the store, only the store can count its executions. */
  async #stateOf(poller: Poller): Promise<TargetState> {
    const { store } = this.#parts;
    return {
      ...poller.state(),
      ...(poller.executions.isLoading ? { tracked: await store.countActive(poller.target) } : {}),
    };
  }

  #noteRemoved(): void {
    for (const [text, key] of this.#everKnown) {
      if (this.#pollerOf(key) !== undefined) this.#removed.delete(text);
      else if (!this.#removed.has(text)) this.#removed.set(text, { key, since: this.#parts.clock.now() });
    }
  }

  async #removedState({ accountId, region }: TargetKey, since: number): Promise<TargetState> {
    const target: Target = { name: targetText({ accountId, region }), accountId, region };
    const message = 'the configuration has no such target: its executions are kept but not polled';
    return {
      target,
      isReachable: true,
      isPaused: false,
      problem: { kind: 'removed', message, since },
      rate: { perSecond: 0, ceiling: 0 },
      tracked: await this.#parts.store.countActive({ accountId, region }),
      overdueSeconds: 0,
    };
  }

  #pollerOf(key: TargetKey): Poller | undefined {
    return this.#replacements.get(targetText(key))?.poller;
  }

  #newReplacement({ accountId, region }: TargetKey): Replacement<S> {
    return new Replacement<S>({ ...this.#parts, key: { accountId, region } });
  }

  /** If the poller is replaced meanwhile, its successor is paused too. */
  async #setPaused(name: string, isPaused: boolean): Promise<TargetState | undefined> {
    const key = this.configured().find((target) => target.name === name);
    let changed: Poller | undefined;
    for (;;) {
      const poller = key && this.#pollerOf(key);
      if (poller === undefined) return undefined;
      if (poller === changed) return this.#stateOf(poller);
      await this.#parts.store.operating.pauseTarget(poller.target, isPaused);
      poller.setPaused(isPaused);
      changed = poller;
    }
  }
}
