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

/** One round of endings, shuffled anew each time. */
const ROUND: readonly (Kill | 'stop')[] = [...KILLS, 'random', ...MOMENTS, 'stop'];
/** The longest life before its kill is prepared. Some lives see little more than the start. */
const LONGEST_LIFE_MS = 3000;
/** Enough for the rate to grow from one call a second to the ceiling, by two a second, and to be stored. */
const FIRST_LIFE_MS = 15_000;
const LONGEST_START_MS = 1200;
/** Half of the kills happen at their moment, the other half up to this long after it. */
const AFTER_MOMENT_MS = 10;
const MOMENT_LIMIT_MS = 6000;
const NOTICE_LIMIT_MS = 4000;
const NOTICE_PAUSE_MS = 50;
const START_DURING_FAULT_MS = 4000;

export interface TortureParts {
  readonly watcher: Watcher;
  readonly disk: Disk;
  readonly database: string;
  readonly load: Load;
  readonly moments: Moments;
  readonly random: Random;
}

/** Kills the daemon, starts it again with the same store, and fills its disk or makes it read-only. */
export class Torture {
  readonly kills = new Map<Kill, number>(KILLS.map((kill) => [kill, 0]));
  stops = 0;
  /** The number of disk faults, of those noticed by clients, and of starts refused meanwhile. */
  readonly disk = { full: 0, fullNoticed: 0, readOnly: 0, readOnlyNoticed: 0, refusedStarts: 0 };
  /** Failures of the daemon that do not show in its events. */
  readonly problems: string[] = [];
  readonly #parts: TortureParts;

  constructor(parts: TortureParts) {
    this.#parts = parts;
  }

  killed(): number {
    return this.kills.values().reduce((sum, count) => sum + count, 0);
  }

  /** Runs a first life without faults, in which the daemon learns its request rate. */
  async warmUp(signal: AbortSignal): Promise<void> {
    if (!(await this.#start())) return;
    await sleep(FIRST_LIFE_MS, undefined, { signal });
    await this.#stop();
  }

  /** Kills the daemon `kills` times, or until `signal` aborts. The daemon is down afterwards. */
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

  /** Runs one life with this ending, or several for a disk fault. */
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
    this.problems.push(
      `life ${life.number} did not become ready: ${life.stderr ?? 'nothing on standard error'}`,
    );
    await watcher.kill();
    return false;
  }

  async #kill(kill: Kill): Promise<void> {
    const { watcher } = this.#parts;
    // If it has ended by itself, its life records that.
    if (!watcher.isRunning()) return;
    this.kills.set(kill, (this.kills.get(kill) ?? 0) + 1);
    await watcher.kill();
  }

  async #stop(): Promise<void> {
    this.stops += 1;
    await this.#parts.watcher.stop();
  }

  /** Kills at the moment, or shortly after it. If the moment does not come within 6 s, kills anyway. */
  async #killAt(moment: Moment): Promise<void> {
    const { moments, random } = this.#parts;
    const { promise: arrival, resolve } = Promise.withResolvers<boolean>();
    const afterMs = random() < 0.5 ? 0 : AFTER_MOMENT_MS * random();
    const strike = () => {
      if (afterMs === 0) void this.#parts.watcher.kill();
      resolve(true);
    };
    moments.once(moment, strike);
    const limit = setTimeout(() => resolve(false), MOMENT_LIMIT_MS);
    const hasArrived = await arrival;
    clearTimeout(limit);
    moments.off(moment, strike);
    if (afterMs > 0) await sleep(afterMs);
    await this.#kill(hasArrived ? moment : 'random');
  }

  /** Fills the disk twice. First the daemon must recover by itself; then it is killed and started while the disk is full. */
  async #withoutRoom(): Promise<void> {
    const { watcher, disk } = this.#parts;
    // An existing write-ahead log has room; after a stop a new one must grow.
    await this.#stop();
    if (!(await this.#start())) return;
    const fill = () => disk.fill?.();
    const free = () => disk.free?.();
    this.disk.full += 1;
    if (await this.#disturb('full disk', fill, free)) this.disk.fullNoticed += 1;
    if (!watcher.isRunning()) return;
    fill();
    await this.#kill('full disk');
    await this.#startDuringFault();
    free();
    await this.#expectRecovery('full disk');
    if (watcher.isRunning()) await this.#stop();
  }

  /** Makes the disk read-only, first while the daemon runs and then before it starts. */
  async #withoutWriting(): Promise<void> {
    const { watcher, disk, database } = this.#parts;
    this.disk.readOnly += 1;
    if (disk.protect !== undefined) {
      // The shared-memory file is left out: it is mapped, and a refused write to a mapping kills the process.
      const files = [database, `${database}-wal`].filter((file) => existsSync(file));
      const protect = () => disk.protect?.(files);
      const unprotect = () => disk.unprotect?.(files);
      if (await this.#disturb('read-only', protect, unprotect)) this.disk.readOnlyNoticed += 1;
    }
    if (!watcher.isRunning()) return;
    await this.#kill('read-only');
    disk.remount?.('ro');
    await this.#startDuringFault();
    if (watcher.isRunning()) {
      this.problems.push(`life ${watcher.life} kept running on a read-only disk`);
      await watcher.kill();
    }
    disk.remount?.('rw');
  }

  /** Causes a fault for a while, and reports whether clients noticed it. */
  async #disturb(fault: string, begin: () => void, end: () => void): Promise<boolean> {
    const { random } = this.#parts;
    begin();
    const isNoticed = await this.#isNoticed();
    await sleep(1000 * random());
    end();
    await this.#expectRecovery(fault);
    return isNoticed;
  }

  /** Reports whether the daemon is not ready, or refuses a registration, within a few seconds. */
  async #isNoticed(): Promise<boolean> {
    const { watcher, load } = this.#parts;
    const refusedBefore = load.refusedRegistrations;
    for (const endsAt = performance.now() + NOTICE_LIMIT_MS; performance.now() < endsAt;) {
      if (load.refusedRegistrations > refusedBefore) return true;
      if ((await watcher.request('GET', '/readyz'))?.status === 503) return true;
      await sleep(NOTICE_PAUSE_MS);
    }
    return false;
  }

  async #expectRecovery(fault: string): Promise<void> {
    const { watcher } = this.#parts;
    if (!watcher.isRunning() || (await watcher.untilReady())) return;
    this.problems.push(`life ${watcher.life} did not become ready again after: ${fault}`);
  }

  /** Starts the daemon during a fault. It may start, wait, or refuse with one line and exit code 1. */
  async #startDuringFault(): Promise<void> {
    const { watcher } = this.#parts;
    const { life, ready } = watcher.launch(true);
    await Promise.race([ready, sleep(START_DURING_FAULT_MS)]);
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
