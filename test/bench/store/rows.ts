// Measures the longest block of the event loop by each store operation, with a million executions and a million deliveries.
// Each operation runs alone in this process; one of them writes changes without a pause.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/runtime/clock.ts';
import { transition } from '../../../src/domain/change/transition.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import type { Store } from '../../../src/store/store.ts';
import { temporaryDirectory } from '../../support/daemon.ts';
import { TARGET, anObservation, executionId } from '../../support/executions.ts';
import { openStoreAt } from '../../support/store.ts';
import { GONE, OPS, SIZES, writeLargeStore } from './fill.ts';
import { printLine, round } from './figures.ts';

const NOWHERE = { accountId: TARGET.accountId, region: 'eu-south-2' };
/** Numbers of executions that are not in the store yet. */
const UNUSED = 5_000_000;
const WRITING_MS = 10_000;

type Operation = (store: Store) => Promise<unknown>;

const registrationOf = (number: number) => ({
  accountId: TARGET.accountId,
  region: TARGET.region,
  lifecycleExecutionId: executionId(number),
  labels: { team: 'platform' },
  source: 'api' as const,
});

/** Registers executions and records that they failed, with a delivery for each of three endpoints. */
async function recordMany(store: Store, from: number, count: number): Promise<void> {
  const ledger = store.ledgerOf(TARGET, SOLE_TERM);
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  const results = await store.intake.register(numbers.map(registrationOf), Date.now());
  await Promise.all(
    results.map((result) => {
      if (result.outcome === 'invalid') throw new Error('not registered');
      const change = transition(result.execution, TARGET, anObservation('FAILED', Date.now()));
      if (change === undefined) throw new Error('nothing changed');
      return ledger.record(change, ['one', 'two', 'three'], Date.now());
    }),
  );
}

async function walkCallbackLanes({ outbox }: Store): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const dueBy = Date.now() + 7_200_000;
    const page: { readonly next?: string } = await outbox.waitingCallbackLanes({ dueBy, after, limit: 500 });
    after = page.next;
  }
}

async function sweepAll({ upkeep }: Store): Promise<void> {
  const before = Date.now() - 1000;
  while (await upkeep.sweep({ finishedBefore: before, deliveredBefore: 0, deadBefore: 0 }, 100));
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'list, 1000 executions': ({ reading }) => reading.list({ limit: 1000 }),
  'list, a label without a match': ({ reading }) => reading.list({ limit: 1000, labels: { team: 'nobody' } }),
  'list, a status without a match': ({ reading }) => reading.list({ limit: 1000, status: 'FAILED' }),
  'list, a target without a match': ({ reading }) => reading.list({ limit: 1000, target: NOWHERE }),
  'list, filters that exclude each other': ({ reading }) =>
    reading.list({ limit: 1000, tracking: 'finished', status: 'IN_PROGRESS' }),
  'feed, 1000 events': ({ reading }) => reading.feed({ after: 0, limit: 1000 }),
  'feed, types without a match': ({ reading }) =>
    reading.feed({ after: 0, limit: 1000, types: ['*.failed', '*.cancelled'] }),
  'feed, all types named': ({ reading }) => reading.feed({ after: 0, limit: 1000, types: ['*'] }),
  'deliveries, 1000': ({ reading }) => reading.listDeliveries({ limit: 1000 }),
  'deliveries, filters without a match': ({ reading }) =>
    reading.listDeliveries({ limit: 1000, endpoint: GONE, state: 'delivered' }),
  'deliveries of one event': ({ reading }) =>
    reading.listDeliveries({ limit: 1000, eventId: (7).toString(16).padStart(64, '0') }),
  'outbox counts': ({ reading }) => reading.outboxCounts(),
  'unhealthy endpoints': ({ reading }) => reading.unhealthyEndpoints(),
  'active targets': (store) => store.activeTargets(),
  'count of active executions': (store) => store.countActive(TARGET),
  'a page of active executions': (store) => store.ledgerOf(TARGET, SOLE_TERM).loadActive(0, 1000),
  'callback lanes, all of them': walkCallbackLanes,
  'a batch of 1000 registrations': ({ intake }) =>
    intake.register(
      Array.from({ length: 1000 }, (_, index) => registrationOf(UNUSED + index)),
      Date.now(),
    ),
  '1000 registrations at once, one by one': ({ intake }) =>
    Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        intake.register([registrationOf(UNUSED + 1000 + index)], Date.now()),
      ),
    ),
  '1000 changes at once, three deliveries each': (store) => recordMany(store, UNUSED + 2000, 1000),
  'a flush of 1000 looks': (store) =>
    store.ledgerOf(TARGET, SOLE_TERM).flushLooks(
      Array.from({ length: 1000 }, (_, index) => ({
        registration: 2 * (index + 1),
        sequence: 1,
        status: 'IN_PROGRESS',
        lastPolledAt: Date.now(),
      })),
    ),
  'claim and settlement of 500 deliveries': async ({ outbox }) => {
    const now = Date.now() + 60_000;
    const claimed = await outbox.claim('one', 500, now);
    const attempt = { at: now, outcome: 'delivered', durationSeconds: 0.1, httpStatus: 200 } as const;
    await outbox.settle(claimed.map((delivery) => ({ ...delivery, attempt, state: 'delivered' })));
  },
  'resend of all that is dead': async ({ operating }) => {
    for (let after: number | undefined = 0; after !== undefined;) {
      const query = { endpoint: OPS, state: 'dead', since: 0, after, limit: 500 } as const;
      const slice: { readonly next?: number } = await operating.resendSettled(query);
      after = slice.next;
    }
  },
  'enabling callbacks, all lanes of which fail': ({ operating }) => operating.enableEndpoint('callback'),
  'removal of an endpoint, 250,000 deliveries open': async ({ upkeep }) => {
    for (let after: string | undefined = ''; after !== undefined;) {
      const query = { kept: [OPS, 'callback', 'one', 'two', 'three'], at: Date.now(), after, limit: 1000 };
      const slice: { readonly next?: string } = await upkeep.abandonDeliveries(query);
      after = slice.next;
    }
  },
  'changes without a pause, checkpoints beside': async (store) => {
    const until = performance.now() + WRITING_MS;
    for (let from = 2 * UNUSED; performance.now() < until; from += 64) await recordMany(store, from, 64);
  },
  'sweep of 500,000 executions': sweepAll,
};

/** Returns how long this thread has waited for a processor (https://docs.kernel.org/scheduler/sched-stats.html). */
const waitedMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;

/** Measures the duration of `work`, and its longest block of the event loop without the time waiting for a processor. */
async function longestBlock(work: () => Promise<unknown>): Promise<{ tookMs: number; longestMs: number }> {
  let longestMs = 0;
  let lastTick = performance.now();
  let lastWaitedMs = waitedMs();
  let isOver = false;
  const round = () => {
    const tick = performance.now();
    const nowWaitedMs = waitedMs();
    longestMs = Math.max(longestMs, tick - lastTick - (nowWaitedMs - lastWaitedMs));
    lastWaitedMs = nowWaitedMs;
    lastTick = tick;
    if (!isOver) setImmediate(round);
  };
  const startedTick = lastTick;
  setImmediate(round);
  await work();
  const tookMs = performance.now() - startedTick;
  isOver = true;
  await new Promise((resolve) => setImmediate(resolve));
  return { tookMs, longestMs };
}

/** Measures the longest block of each operation, in milliseconds. */
export async function rowsBench({ short }: { readonly short: boolean }) {
  const scale = short ? 0.02 : 1;
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'watcher.db');
  printLine(`writing a store with ${SIZES.executions * scale} executions …`);
  await writeLargeStore(path, scale);
  const startedTick = performance.now();
  await using store = await openStoreAt(path, { clock: systemClock });
  const openMs = performance.now() - startedTick;
  printLine(`opened in ${round(openMs)} ms`);
  const longestMs: Record<string, number> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const measured = await longestBlock(() => operation(store));
    longestMs[name] = round(measured.longestMs);
    printLine(`${name}: ${round(measured.longestMs)} ms of ${round(measured.tookMs)} ms`);
  }
  return { rows: { executions: SIZES.executions * scale, openMs: round(openMs), longestMs } };
}
