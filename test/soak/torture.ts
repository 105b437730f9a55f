import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import type { Disk } from './disk.ts';
import type { Load } from './load.ts';
import { MOMENTS } from './moments.ts';
import type { Moment, Moments } from './moments.ts';
import type { Watcher } from './watcher.ts';

export const KILLS = ['random', 'starting', ...MOMENTS, 'full disk', 'read-only'] as const;
export type Kill = (typeof KILLS)[number];

/** One round, shuffled anew each time. */
const ROUND: readonly (Kill | 'stop')[] = [...KILLS, 'random', ...MOMENTS, 'stop'];
/** How long a life lasts before its kill is prepared: some see little more than the start. */
const LONGEST_LIFE_MS = 3000;
/** The rate must grow from one call a second to the ceiling, by two a second, and be stored. */
const FIRST_LIFE_MS = 15_000;
const LONGEST_START_MS = 1200;
/** A kill hits up to so long after its moment, as often as right in it. */
const AFTER_MOMENT_MS = 10;
const MOMENT_LIMIT_MS = 6000;
const FEEL_LIMIT_MS = 4000;
const FEEL_PAUSE_MS = 50;
const START_IN_TROUBLE_MS = 4000;

export interface TortureParts {
  readonly watcher: Watcher;
  readonly disk: Disk;
  readonly database: string;
  readonly load: Load;
  readonly moments: Moments;
  readonly random: Random;
}

/** Kills the daemon and starts it again over the same store, and takes the disk away from it. */
export class Torture {
  readonly kills = new Map<Kill, number>(KILLS.map((kill) => [kill, 0]));
  stops = 0;
  /** Times without a disk, how many of them were felt outside, and starts that were refused meanwhile. */
  readonly disk = { full: 0, fullFelt: 0, readOnly: 0, readOnlyFelt: 0, refusedStarts: 0 };
  /** What went wrong that is no matter of the events. */
  readonly problems: string[] = [];
  readonly #parts: TortureParts;

  constructor(parts: TortureParts) {
    this.#parts = parts;
  }

  killed(): number {
    return this.kills.values().reduce((sum, count) => sum + count, 0);
  }

  /** A first life without any trouble, so that the daemon has learnt how often it may call. */
  async warmUp(signal: AbortSignal): Promise<void> {
    if (!(await this.#start())) return;
    await sleep(FIRST_LIFE_MS, undefined, { signal });
    await this.#stop();
  }

  /** Until there were so many kills, or `signal` aborts; the daemon is down then. */
  async run(kills: number, signal: AbortSignal): Promise<void> {
    const { watcher, disk } = this.#parts;
    let round: (Kill | 'stop')[] = [];
    while (!signal.aborted && this.killed() < kills) {
      if (round.length === 0) round = shuffled(ROUND, this.#parts.random);
      const next = round.pop() ?? 'random';
      const needsDisk = next === 'full disk' || next === 'read-only';
      await this.#live(needsDisk && disk.remount === undefined ? 'random' : next);
    }
    if (watcher.isRunning()) await this.#stop();
  }

  /** One life, or, without a disk, a few. */
  async #live(ending: Kill | 'stop'): Promise<void> {
    const { watcher, random } = this.#parts;
    if (ending === 'starting') {
      void watcher.launch();
      await sleep(LONGEST_START_MS * random());
      await this.#kill(ending);
      return;
    }
    if (!(await this.#start())) return;
    await sleep(LONGEST_LIFE_MS * random());
    switch (ending) {
      case 'random':
        await this.#kill(ending);
        return;
      case 'stop':
        await this.#stop();
        return;
      case 'full disk':
        await this.#withoutRoom();
        return;
      case 'read-only':
        await this.#withoutWriting();
        return;
      default:
        await this.#killAt(ending);
    }
  }

  async #start(): Promise<boolean> {
    const { watcher } = this.#parts;
    const { life, ready } = watcher.launch();
    if (await ready) return true;
    this.problems.push(`life ${life.number} did not get ready: ${life.stderr ?? 'no word of it'}`);
    await watcher.kill();
    return false;
  }

  async #kill(kill: Kill): Promise<void> {
    const { watcher } = this.#parts;
    // It may have ended by itself, which its life tells.
    if (!watcher.isRunning()) return;
    this.kills.set(kill, (this.kills.get(kill) ?? 0) + 1);
    await watcher.kill();
  }

  async #stop(): Promise<void> {
    this.stops += 1;
    await this.#parts.watcher.stop();
  }

  /** Kills in the middle of what is named, or a moment later; anywhere where that does not come. */
  async #killAt(moment: Moment): Promise<void> {
    const { moments, random } = this.#parts;
    const { promise: come, resolve } = Promise.withResolvers<boolean>();
    const afterMs = random() < 0.5 ? 0 : AFTER_MOMENT_MS * random();
    const strike = () => {
      if (afterMs === 0) void this.#parts.watcher.kill();
      resolve(true);
    };
    moments.once(moment, strike);
    const limit = setTimeout(() => resolve(false), MOMENT_LIMIT_MS);
    const hasCome = await come;
    clearTimeout(limit);
    moments.off(moment, strike);
    if (afterMs > 0) await sleep(afterMs);
    await this.#kill(hasCome ? moment : 'random');
  }

  /** The disk is full, twice: once it must come back by itself, once it is killed and started while it is full. */
  async #withoutRoom(): Promise<void> {
    const { watcher, disk } = this.#parts;
    // A write-ahead log that is there already has room; after a stop a new one must grow.
    await this.#stop();
    if (!(await this.#start())) return;
    const fill = () => disk.fill?.();
    const free = () => disk.free?.();
    this.disk.full += 1;
    if (await this.#without('full disk', fill, free)) this.disk.fullFelt += 1;
    if (!watcher.isRunning()) return;
    fill();
    await this.#kill('full disk');
    await this.#startInTrouble();
    free();
    await this.#recovers('full disk');
    if (watcher.isRunning()) await this.#stop();
  }

  /** Nothing can be written any more, neither while it runs nor at its start. */
  async #withoutWriting(): Promise<void> {
    const { watcher, disk, database } = this.#parts;
    this.disk.readOnly += 1;
    if (disk.protect !== undefined) {
      // Not the shared memory beside them, which is mapped: to write to a map that is refused is the end of a process.
      const files = [database, `${database}-wal`].filter((file) => existsSync(file));
      const protect = () => disk.protect?.(files);
      const unprotect = () => disk.unprotect?.(files);
      if (await this.#without('read-only', protect, unprotect)) this.disk.readOnlyFelt += 1;
    }
    if (!watcher.isRunning()) return;
    await this.#kill('read-only');
    disk.remount?.('ro');
    await this.#startInTrouble();
    if (watcher.isRunning()) {
      this.problems.push(`life ${watcher.life} went on over a read-only disk`);
      await watcher.kill();
    }
    disk.remount?.('rw');
  }

  /** Takes something away for a while; returns whether that was felt outside. */
  async #without(what: string, take: () => void, giveBack: () => void): Promise<boolean> {
    const { random } = this.#parts;
    take();
    const isFelt = await this.#feels();
    await sleep(1000 * random());
    giveBack();
    await this.#recovers(what);
    return isFelt;
  }

  /** Whether it says that it is not ready, or refuses registrations, within a few seconds. */
  async #feels(): Promise<boolean> {
    const { watcher, load } = this.#parts;
    const { refused } = load;
    for (const endsAt = performance.now() + FEEL_LIMIT_MS; performance.now() < endsAt;) {
      if (load.refused > refused || (await watcher.request('GET', '/readyz'))?.status === 503) return true;
      await sleep(FEEL_PAUSE_MS);
    }
    return false;
  }

  async #recovers(what: string): Promise<void> {
    const { watcher } = this.#parts;
    if (!watcher.isRunning() || (await watcher.untilReady())) return;
    this.problems.push(`life ${watcher.life} did not get ready again after: ${what}`);
  }

  /** It may start, wait or refuse; where it refuses it says so in one line and ends with code 1. */
  async #startInTrouble(): Promise<void> {
    const { watcher } = this.#parts;
    const { life, ready } = watcher.launch(true);
    await Promise.race([ready, sleep(START_IN_TROUBLE_MS)]);
    if (watcher.isRunning()) return;
    this.disk.refusedStarts += 1;
    const lines = (life.stderr ?? '').split('\n').filter((line) => line !== '');
    if (life.code !== 1 || lines.length !== 1)
      this.problems.push(`life ${life.number} refused with code ${String(life.code)}: ${life.stderr ?? ''}`);
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
