import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../../src/simulator/random.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { Call } from '../../src/simulator/simulator.ts';
import { ENV, configOf } from '../support/watch-one-target.ts';
import { mountDisk } from './disk.ts';
import { FeedReader } from './feed-reader.ts';
import { Load } from './load.ts';
import { createMoments } from './moments.ts';
import type { Moments } from './moments.ts';
import { startRecorder } from './recorder.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { Torture } from './torture.ts';
import { Watcher } from './watcher.ts';

/** Attempts in flight at each receiver. */
export const MAX_CONCURRENT = 4;

/** Returns a listener that emits `change` when an answer shows another status than the one before. */
function emitChanges(moments: Moments): (call: Call) => void {
  const shown = new Map<string, string>();
  return ({ executionId, status }) => {
    if (executionId === undefined || status === undefined) return;
    const before = shown.get(executionId);
    shown.set(executionId, status);
    if (before !== undefined && before !== status) moments.emit('change');
  };
}

/** Starts and connects all parts of a soak run, on loopback addresses and in one directory. */
export async function setStage(seed: number) {
  await using setting = new AsyncDisposableStack();
  let streams = 0;
  // Each part has a stream of its own, so that parts do not affect each other's random numbers.
  const random = () => createRandom(seed + 1000 * (streams += 1));
  const directory = mkdtempSync(join(tmpdir(), 'lifecycle-watcher-soak-'));
  let isKept = false;
  const clean = () => {
    if (!isKept) rmSync(directory, { recursive: true, force: true });
  };
  setting.defer(clean);
  const disk = setting.use(mountDisk(directory));
  const database = join(disk.path, 'watcher.db');
  const moments = createMoments();
  const simulator = setting.use(
    await startSimulator({ ratePerSecond: 200, burst: 200, seed, onCall: emitChanges(moments) }),
  );
  const life = () => watcher.life;
  const steady = setting.use(await startRecorder('steady', moments, life, random()));
  const flapping = setting.use(await startRecorder('flapping', moments, life, random()));
  const clock = new ShiftedClock(join(directory, 'clock'));
  const config = configOf(simulator.url, steady.url);
  const [endpoint] = config.endpoints;
  const watcher: Watcher = new Watcher({
    directory,
    clock,
    env: ENV,
    config: {
      ...config,
      store: { sqlite: { path: database } },
      endpoints: [
        { ...endpoint, name: 'steady', maxConcurrent: MAX_CONCURRENT },
        // A short timeout, so that hanging attempts do not hold the slots for the rest of the run.
        {
          ...endpoint,
          name: 'flapping',
          url: flapping.url,
          maxConcurrent: MAX_CONCURRENT,
          timeoutSeconds: 2,
        },
      ],
    },
  });
  setting.defer(() => watcher.kill());
  // Leaves no process, mount or directory behind, however this process ends.
  const atExit = () => {
    void watcher.kill();
    disk[Symbol.dispose]();
    clean();
  };
  process.once('exit', atExit);
  setting.defer(() => void process.off('exit', atExit));
  const reader = new FeedReader(watcher, random());
  const load = new Load({ simulator, watcher, reader, moments, random: random() });
  const stage = setting.move();
  return {
    directory,
    disk,
    simulator,
    steady,
    flapping,
    clock,
    watcher,
    random,
    load,
    reader,
    torture: new Torture({ watcher, disk, database, load, moments, random: random() }),
    /** Keeps the directory with the log. A mounted disk is still removed. */
    keep() {
      isKept = true;
    },
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

export type Stage = Awaited<ReturnType<typeof setStage>>;
