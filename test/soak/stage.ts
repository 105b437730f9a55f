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

/** Tells `moments` when an answer shows another status than the one before. */
function changeTeller(moments: Moments): (call: Call) => void {
  const shown = new Map<string, string>();
  return ({ executionId, status }) => {
    if (executionId === undefined || status === undefined) return;
    const before = shown.get(executionId);
    shown.set(executionId, status);
    if (before !== undefined && before !== status) moments.emit('change');
  };
}

/** Everything that plays a part, on loopback addresses and in one directory. */
export async function setStage(seed: number) {
  await using setting = new AsyncDisposableStack();
  let streams = 0;
  // A stream of its own for each part: what one does leaves the others' as they are.
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
    await startSimulator({ ratePerSecond: 200, burst: 200, seed, onCall: changeTeller(moments) }),
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
        // What hangs there must not hold its slots for the rest of the run.
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
  // Whatever ends this process, nothing of it goes on or stays.
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
    /** Leaves the log where it is; a disk of the harness's own goes. */
    keep() {
      isKept = true;
    },
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

export type Stage = Awaited<ReturnType<typeof setStage>>;
