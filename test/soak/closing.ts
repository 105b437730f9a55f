import { setTimeout as sleep } from 'node:timers/promises';
import { FeedReader } from './feed-reader.ts';
import type { Evidence, Listed } from './judge/evidence.ts';
import { MAX_CONCURRENT } from './stage.ts';
import type { Stage } from './stage.ts';
import type { Watcher } from './watcher.ts';

/** The longest execution takes 20 s, and what the rate has suffered is made good again. */
const GRACE_MS = 90_000;
const PAUSE_MS = 200;
/** A delivery that was refused a few times is due again minutes or hours later: the daemon's clock is set forward. */
const LEAP_MS = 6 * 3_600_000;
const MOST_LEAPS = 6;
/** How long what has become due by a leap is given to come. */
const LEAP_LASTS_MS = 3000;

async function until(isSo: () => boolean, limitMs: number): Promise<void> {
  for (const endsAt = performance.now() + limitMs; !isSo() && performance.now() < endsAt;)
    await sleep(PAUSE_MS);
}

/** Lets everything come to its end, now that nothing is in its way any more, and gathers what all sides know. */
export async function close(stage: Stage, loading: Promise<void>): Promise<Evidence> {
  const { watcher, load, reader, steady, flapping, clock, torture } = stage;
  const collect = (more: Partial<Evidence>) => ({ ...evidenceOf(stage), ...more });
  const begin = async () => {
    const { life, ready } = watcher.launch();
    if (!(await ready)) torture.problems.push(`life ${life.number} did not get ready: ${life.stderr ?? ''}`);
  };
  if (!watcher.isRunning()) await begin();
  await loading;
  const has = ({ requests }: Stage['steady']) => {
    const accepted = new Set(requests.filter(({ isAccepted }) => isAccepted).map(({ id }) => id));
    return reader.events.every(({ id }) => accepted.has(id));
  };
  await until(() => load.open() === 0 && has(steady), GRACE_MS);
  if (!has(steady))
    torture.problems.push(
      `a receiver that was always well had not got everything ${GRACE_MS / 1000} s later`,
    );
  for (let leap = 0; leap < MOST_LEAPS && !has(flapping); leap += 1) {
    await watcher.stop();
    clock.set(clock.offsetMs + LEAP_MS);
    await begin();
    await until(() => has(flapping), LEAP_LASTS_MS);
  }
  await readToEnd(reader);
  const anew = new FeedReader(watcher, stage.random());
  await readToEnd(anew);
  const evidence = collect({ feedAnew: anew.events, listed: await listAll(watcher) });
  await watcher.stop();
  return evidence;
}

async function readToEnd(reader: FeedReader): Promise<void> {
  for (let read = await reader.readOn(); read !== undefined && read > 0; read = await reader.readOn());
}

function evidenceOf({ load, simulator, reader, steady, flapping, watcher, clock, torture }: Stage): Evidence {
  return {
    acknowledged: load.acknowledged,
    truth: new Map(simulator.executions().map(({ id }) => [id, simulator.history(id)])),
    listed: [],
    feed: reader.events,
    feedAnew: [],
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
