import type { Kysely, Transaction } from 'kysely';
import type { Change } from '../domain/transition.ts';
import { grouped } from '../runtime/grouped.ts';
import { waitingLanes } from './callbacks.ts';
import { claimAll, nextDueAt } from './claims.ts';
import type { ClaimRequest } from './claims.ts';
import {
  abandonExcept,
  countOutbox,
  findDelivery,
  listDeliveries,
  resend,
  resendSettled,
} from './deliveries.ts';
import type { Dialect } from './dialect.ts';
import { findDiscovered, knownOf, markPolicy } from './discovery.ts';
import { createDurability } from './durability.ts';
import { sightingColumns } from './execution-row.ts';
import {
  activeExecutions,
  completeResources,
  findExecutions,
  flushPolled,
  hasKey,
  listExecutions,
  openResources,
  registerAll,
  removeExecution,
} from './executions.ts';
import { recordEvent } from './events.ts';
import { eventsOf, readFeed, readFeedBounds } from './feed.ts';
import { enableEndpoint, unhealthyLanes } from './lanes.ts';
import { loadHazards, loadRate, saveHazards, saveRate } from './learnt.ts';
import { sweepOnce } from './retention.ts';
import { settleAll } from './settlements.ts';
import type { Settled, Settlement, Store } from './store.ts';
import type { Tables } from './tables.ts';
import {
  activeTargets,
  countActive,
  findTarget,
  finishBaseline,
  pauseTarget,
  recordTarget,
} from './targets.ts';

async function recordChange(
  db: Kysely<Tables>,
  { previous, next, event }: Change,
  endpoints: readonly string[],
  at: number,
): Promise<'recorded' | 'conflict'> {
  const { status } = previous;
  const updated = await db
    .updateTable('executions')
    .set(sightingColumns(next))
    .where('registration', '=', previous.registration)
    .where('tracking', '=', 'active')
    .where('deleted_at', 'is', null)
    .where('sequence', '=', previous.sequence)
    .where((eb) => (status === undefined ? eb('status', 'is', null) : eb('status', '=', status)))
    .returning('callback_url')
    .executeTakeFirst();
  if (updated === undefined) return 'conflict';
  if (event !== undefined)
    await recordEvent(db, event, next, { endpoints, callbackUrl: updated.callback_url, at });
  return 'recorded';
}

/** In one transaction: lanes that claim together mostly find their deliveries in the same pages. */
const MOST_CLAIMS = 50;

/** The store over an open, migrated database. `close` is called after the last query. */
export function createKyselyStore(db: Kysely<Tables>, dialect: Dialect, close: () => Promise<void>): Store {
  const inTransaction = <T>(work: (transaction: Transaction<Tables>) => Promise<T>) =>
    db.transaction().execute(work);
  const { write, tell, show } = createDurability(dialect.sync);
  const { claims } = dialect;
  const claim = grouped(MOST_CLAIMS, (requests: readonly ClaimRequest[]) =>
    show(inTransaction((tx) => claimAll(tx, claims, requests))),
  );
  async function settle(settlements: readonly Settlement[]): Promise<Settled> {
    const settled = await inTransaction((tx) => settleAll(tx, claims, settlements));
    for (const { id } of settled.held) claims.end(id);
    return settled;
  }
  async function abandon(endpoints: readonly string[], at: number): Promise<ReadonlyMap<string, number>> {
    const { counts, lanes } = await inTransaction((tx) => abandonExcept(tx, endpoints, at));
    for (const lane of lanes) claims.endAll(lane);
    return counts;
  }
  return {
    register: (registrations, at) => tell(inTransaction((tx) => registerAll(tx, registrations, at))),
    async find(key) {
      const [execution] = await findExecutions(db, hasKey(key));
      return execution;
    },
    findById: (id) => findExecutions(db, (eb) => eb.and({ lifecycle_execution_id: id })),
    list: (query) => listExecutions(db, dialect, query),
    remove: (key, at) => write(removeExecution(db, key, at)),
    active: (target, after, limit) => activeExecutions(db, target, after, limit),
    record: (change, endpoints, at) => tell(inTransaction((tx) => recordChange(tx, change, endpoints, at))),
    openResources: (target, endedSince, after, limit) => openResources(db, target, endedSince, after, limit),
    completeResources: (registration, resources) => write(completeResources(db, registration, resources)),
    knownOf: (target, ids) => knownOf(db, target, ids),
    discovered: (target) => findDiscovered(db, target),
    markPolicy: (target, policyArn, mark) => write(markPolicy(db, target, policyArn, mark)),
    finishBaseline: (target, at) => write(finishBaseline(db, target, at)),
    target: (key) => findTarget(db, key),
    pauseTarget: (key, isPaused) => write(pauseTarget(db, key, isPaused)),
    recordTarget: (change, endpoints) => tell(inTransaction((tx) => recordTarget(tx, change, endpoints))),
    activeTargets: () => activeTargets(db),
    countActive: (key) => countActive(db, key),
    flushPolled: (polled) => write(inTransaction((tx) => flushPolled(tx, polled))),
    eventsOf: (key, limit) => show(eventsOf(db, key, limit)),
    feed: (query) => show(inTransaction((tx) => readFeed(tx, query))),
    feedBounds: () => show(inTransaction((tx) => readFeedBounds(tx))),
    claim: (lane, limit, now, claimedUntil) => claim({ lane, limit, now, claimedUntil }),
    settle: (settlements) => write(settle(settlements)),
    release(claimed) {
      for (const one of claimed) if (claims.holds(one)) claims.end(one.id);
      return Promise.resolve();
    },
    nextDueAt: (lane) => nextDueAt(db, claims, lane),
    waitingLanes: (endpoint) => inTransaction((tx) => waitingLanes(tx, endpoint)),
    unhealthyLanes: () => unhealthyLanes(db),
    enableEndpoint: (endpoint) => write(enableEndpoint(db, endpoint)),
    listDeliveries: (query) => show(listDeliveries(db, claims, query)),
    findDelivery: (id) => show(findDelivery(db, claims, id)),
    resend: (id) => write(inTransaction((tx) => resend(tx, claims, id))),
    resendSettled: (query) => write(inTransaction((tx) => resendSettled(tx, query))),
    abandonDeliveriesExcept: (endpoints, at) => write(abandon(endpoints, at)),
    outboxCounts: () => inTransaction((tx) => countOutbox(tx)),
    saveRate: (target, rate) => write(saveRate(db, target, rate)),
    loadRate: (target) => loadRate(db, target),
    saveHazards: (target, hazards, at) => write(inTransaction((tx) => saveHazards(tx, target, hazards, at))),
    loadHazards: (target) => loadHazards(db, target),
    sweep: (retention, limit) => write(inTransaction((tx) => sweepOnce(tx, retention, limit))),
    backUp: (signal) => dialect.backUp(signal),
    async probe() {
      const unchanged = db.updateTable('store_state').set((eb) => ({ epoch: eb.ref('epoch') }));
      await write(unchanged.execute());
    },
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await close();
    },
  };
}
