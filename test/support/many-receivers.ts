import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { createDispatcher } from '../../src/delivery/dispatcher.ts';
import { createSender } from '../../src/delivery/sending/sender.ts';
import { LADDER_SECONDS } from '../../src/domain/delivery/retry-ladder.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Delivery, Reading } from '../../src/http/reading.ts';
import { NO_NOTICES } from '../../src/notices/notices.ts';
import { temporaryDirectory } from './daemon.ts';
import { collectGarbage } from './garbage.ts';
import { KINDS, RETRY_AFTER_SECONDS } from './receiver-kinds.ts';
import type { Kind } from './receiver-kinds.ts';
import { recordFailure } from './record-final.ts';
import { WEBHOOK_SECRET } from './secrets.ts';
import { openStoreAt } from './store.ts';

/** Answers can be slow on a busy machine, so the limit is short only for receivers that never answer. */
const TIMEOUT_MS = 30_000;
const SHORT_TIMEOUT_MS = 400;
const POLL_MS = 10;
/** The real time that may pass besides the skipped waits of the ladder. */
const TOLERANCE_SECONDS = 60;
/** A stop is at most a tenth longer than the receiver asked for. */
const LONGEST_JITTER = 1.1;

/** The system's clock, which can also be set forward. */
function createSkippingClock() {
  let skippedMs = 0;
  const clock: Clock = {
    now: () => Math.round(systemClock.now() + skippedMs),
    steadyNow: () => Math.round(systemClock.steadyNow() + skippedMs),
    monotonicNow: () => systemClock.monotonicNow() + skippedMs,
    after: (ms, then) => systemClock.after(ms, then),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  return { clock, skip: (ms: number) => void (skippedMs += Math.max(0, ms)) };
}

interface StartedReceiver extends AsyncDisposable {
  readonly name: string;
  readonly kind: Kind;
  readonly url: string;
  readonly requests: () => number;
}

async function startReceiverOfKind(name: string, kind: Kind): Promise<StartedReceiver> {
  let requests = 0;
  const server = await kind.serve(() => (requests += 1));
  return {
    name,
    kind,
    url: `${kind.scheme ?? 'http'}://127.0.0.1:${server.port}/hook`,
    requests: () => requests,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export interface MemoryUse {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export interface DeliveryReport {
  readonly receivers: number;
  readonly deliveries: number;
  readonly requests: number;
  /** Measured after each pass, when garbage has been collected. */
  readonly memory: readonly MemoryUse[];
  readonly faults: readonly string[];
}

/**
 * Sends `events` events in each of `passes` passes to `each` receivers of every kind, over real sockets but without the waits of
 * the ladder, and checks that each delivery ended as its kind of receiver requires.
 */
export async function deliverToEveryKind(
  { each, events, passes }: { readonly each: number; readonly events: number; readonly passes: number },
  report: (line: string) => void = () => undefined,
): Promise<DeliveryReport> {
  await using closing = new AsyncDisposableStack();
  const directory = closing.use(await temporaryDirectory());
  const path = join(directory.path, 'watcher.db');
  const { clock, skip } = createSkippingClock();
  const store = closing.use(await openStoreAt(path));
  const database = closing.use(new DatabaseSync(path, { readOnly: true }));
  const sender = closing.use(
    createSender({
      egress: { allowPrivateNetworks: true, allowCidrs: [], httpsOnly: false },
      clock,
      version: 'tests',
    }),
  );
  const receivers: StartedReceiver[] = [];
  for (const [kindName, kind] of Object.entries(KINDS))
    for (let number = 0; number < each; number += 1)
      receivers.push(closing.use(await startReceiverOfKind(`${kindName}-${number}`, kind)));
  const dispatcher = createDispatcher({
    outbox: store.outbox,
    sender,
    clock,
    // Without jitter, deliveries that fail together are due together.
    random: () => 0.5,
    newId: () => 'none',
    callbackSecrets: () => undefined,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    endpoints: receivers.map(({ name, url, kind }) => ({
      lane: name,
      name,
      url,
      secrets: [WEBHOOK_SECRET],
      headers: {},
      timeoutMs: kind.outcome === 'timeout' ? SHORT_TIMEOUT_MS : TIMEOUT_MS,
      // With more, a second delivery would be in flight when the first is answered 410.
      maxConcurrent: name.startsWith('gone') ? 1 : events,
      requestsPerSecond: 1000,
    })),
    notices: NO_NOTICES,
  });
  const names = receivers.map(({ name }) => name);
  const firstDue = database.prepare(
    `select min(max(next_attempt_at, coalesce(stopped_until, 0))) as first
      from deliveries left join lanes on lanes.lane = deliveries.lane
      where state = 'pending' and disabled_reason is null`,
  );
  /** When a delivery is next due that is not to a disabled or stopped receiver. One that is being attempted is still due. */
  const firstDueAt = () => (firstDue.get()?.['first'] as number | null | undefined) ?? undefined;
  dispatcher.start();

  const memory: MemoryUse[] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    for (let event = 0; event < events; event += 1)
      await recordFailure(store, pass * events + event, names, clock.now());
    for (;;) {
      dispatcher.wake();
      let first = firstDueAt();
      for (; first !== undefined && first <= clock.steadyNow(); first = firstDueAt()) await pause(POLL_MS);
      if (first === undefined) break;
      // Deliveries that failed some seconds after the first are repeated together with it.
      skip(first - clock.steadyNow() + 1000);
    }
    // A pass takes more than a day, and an endpoint is disabled after five days without a success.
    for (const { name, kind } of receivers)
      if (kind.state === 'dead' && kind !== KINDS['gone']) await store.operating.enableEndpoint(name);
    memory.push(await measureMemory());
    const requests = receivers.reduce((sum, receiver) => sum + receiver.requests(), 0);
    report(`pass ${pass + 1}: ${JSON.stringify({ requests, ...memory.at(-1) })}`);
  }
  await dispatcher.stop(AbortSignal.abort());
  const deliveries = await allDeliveries(store.reading);
  return {
    receivers: receivers.length,
    deliveries: deliveries.length,
    requests: receivers.reduce((sum, { requests }) => sum + requests(), 0),
    memory,
    faults: [...faultsOf(receivers, deliveries, { events, passes })],
  };
}

const ignore = () => undefined;

async function measureMemory(): Promise<MemoryUse> {
  // Closed sockets release their memory a moment later.
  await pause(1000);
  collectGarbage();
  const { heapUsed: heapBytes, rss: rssBytes } = process.memoryUsage();
  return { heapBytes, rssBytes };
}

async function allDeliveries(reading: Reading): Promise<readonly Delivery[]> {
  const all: Delivery[] = [];
  let page = await reading.listDeliveries({ limit: 1000 });
  all.push(...page.deliveries);
  while (page.next !== undefined) {
    page = await reading.listDeliveries({ limit: 1000, before: page.next });
    all.push(...page.deliveries);
  }
  return all;
}

function* faultsOf(
  receivers: readonly StartedReceiver[],
  deliveries: readonly Delivery[],
  { events: eventsAPass, passes }: { readonly events: number; readonly passes: number },
) {
  const events = eventsAPass * passes;
  const byEndpoint = Map.groupBy(deliveries, ({ endpoint }) => endpoint);
  for (const { name, kind, requests } of receivers) {
    const mine = byEndpoint.get(name) ?? [];
    if (mine.length !== events) yield `${name} has ${mine.length} deliveries, not ${events}`;
    const attempts = mine.reduce((sum, delivery) => sum + delivery.attempts.length, 0);
    if (requests() !== (kind === KINDS['closed'] ? 0 : attempts))
      yield `${name} had ${requests()} requests, but the store has ${attempts} attempts`;
    if (kind === KINDS['gone']) {
      const states = mine.map(({ state }) => state).toSorted();
      if (attempts !== 1 || states[0] !== 'dead' || states.at(-1) !== 'pending')
        yield `${name} had ${attempts} attempts after its 410; ${states.join()}`;
      continue;
    }
    for (const delivery of mine) yield* faultsOfOne(delivery, kind, eventsAPass);
  }
}

function* faultsOfOne({ id, endpoint, state, attempts }: Delivery, kind: Kind, eventsAPass: number) {
  const subject = `delivery ${id} to ${endpoint}`;
  if (state !== kind.state) yield `${subject} is ${state}, not ${kind.state}`;
  if (attempts.length !== kind.attempts)
    yield `${subject} had ${attempts.length} attempts, not ${kind.attempts}`;
  const last = attempts.at(-1);
  if (last?.outcome !== kind.outcome)
    yield `${subject} ended ${last?.outcome ?? 'never'}, not ${kind.outcome}`;
  for (const [index, seconds] of LADDER_SECONDS.entries()) {
    const [before, after] = [attempts[index], attempts[index + 1]];
    if (before === undefined || after === undefined) break;
    const isThrottled = before.outcome === 'throttled';
    const requiredSeconds = isThrottled ? RETRY_AFTER_SECONDS : seconds;
    // After a stop one delivery goes first. If that is throttled as well, the others wait for one more stop.
    const longestSeconds = isThrottled ? eventsAPass * LONGEST_JITTER * requiredSeconds : requiredSeconds;
    const waitedSeconds = (after.at - before.at) / 1000;
    if (waitedSeconds < requiredSeconds || waitedSeconds > longestSeconds + TOLERANCE_SECONDS)
      yield `${subject} waited ${waitedSeconds} s after attempt ${index + 1}`;
  }
}
