import { setTimeout as sleep } from 'node:timers/promises';
import { FeedReader } from './feed-reader.ts';
import type { Evidence, Listed } from './judge/evidence.ts';
import { MAX_CONCURRENT } from './stage.ts';
import type { Stage } from './stage.ts';
import type { Watcher } from './watcher.ts';

/** The longest execution takes 20 s, and the request rate has to recover from the faults. */
const GRACE_MS = 90_000;
const PAUSE_MS = 200;
/** A delivery that failed several times is due minutes or hours later, so the daemon's clock is set forward. */
const LEAP_MS = 6 * 3_600_000;
const MOST_LEAPS = 6;
/** The time for deliveries to arrive that a leap has made due. */
const AFTER_LEAP_MS = 3000;

async function until(isTrue: () => boolean, limitMs: number): Promise<void> {
  for (const endsAt = performance.now() + limitMs; !isTrue() && performance.now() < endsAt;)
    await sleep(PAUSE_MS);
}

/** Waits until everything that is still open has ended, now that all faults are over, and collects the evidence of all sides. */
export async function close(stage: Stage, loading: Promise<void>): Promise<Evidence> {
  const { watcher, load, reader, steady, flapping, clock, torture } = stage;
  const launch = async () => {
    const { life, ready } = watcher.launch();
    if (!(await ready))
      torture.problems.push(`life ${life.number} did not become ready: ${life.stderr ?? ''}`);
  };
  if (!watcher.isRunning()) await launch();
  await loading;
  const hasAll = ({ requests }: Stage['steady']) => {
    const accepted = new Set(requests.filter(({ isAccepted }) => isAccepted).map(({ id }) => id));
    return reader.events.every(({ id }) => accepted.has(id));
  };
  await until(() => load.openExecutions() === 0 && hasAll(steady), GRACE_MS);
  if (!hasAll(steady))
    torture.problems.push(`the receiver that never failed still lacked events after ${GRACE_MS / 1000} s`);
  for (let leap = 0; leap < MOST_LEAPS && !hasAll(flapping); leap += 1) {
    await watcher.stop();
    clock.set(clock.offsetMs + LEAP_MS);
    await launch();
    await until(() => hasAll(flapping), AFTER_LEAP_MS);
  }
  await readToEnd(reader);
  const secondReader = new FeedReader(watcher, stage.random());
  await readToEnd(secondReader);
  const evidence = { ...evidenceOf(stage), feedReread: secondReader.events, listed: await listAll(watcher) };
  await watcher.stop();
  return evidence;
}

async function readToEnd(reader: FeedReader): Promise<void> {
  for (
    let count = await reader.readPage();
    count !== undefined && count > 0;
    count = await reader.readPage()
  );
}

function evidenceOf({ load, simulator, reader, steady, flapping, watcher, clock, torture }: Stage): Evidence {
  return {
    acknowledged: load.acknowledged,
    truth: new Map(simulator.executions().map(({ id }) => [id, simulator.history(id)])),
    listed: [],
    feed: reader.events,
    feedReread: [],
    feedRefusals: reader.refusals,
    receivers: [steady, flapping],
    lives: watcher.lives,
    problems: torture.problems,
    maxConcurrent: MAX_CONCURRENT,
    realTimesOf: (shownAt) => clock.realTimesOf(shownAt),
  };
}

async function listAll(watcher: Watcher): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const answer = await watcher.request('GET', `/v1/executions?limit=1000${query}`);
    if (answer?.status !== 200)
      throw new Error(`executions cannot be listed: ${answer?.text ?? 'no answer'}`);
    const page = JSON.parse(answer.text) as { executions: readonly Listed[]; nextCursor: string | null };
    listed.push(...page.executions);
    cursor = page.nextCursor;
  }
  return listed;
}
