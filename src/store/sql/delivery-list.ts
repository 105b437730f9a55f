import { sql } from 'kysely';
import { MOST_ATTEMPTS_KEPT } from '../../domain/delivery/delivery.ts';
import type { Attempt } from '../../domain/delivery/delivery.ts';
import type { Delivery, DeliveryPage, DeliveryQuery } from '../../http/reading.ts';
import { defined } from '../../runtime/defined.ts';
import type { Claims } from './claim-book.ts';
import type { Database, Db } from './database.ts';
import { PARAMETER, LIMIT_PARAMETER, prepared } from './prepared.ts';
import { readInSlices } from './slices.ts';
import type { Slice } from './slices.ts';

/** Rows examined in one transaction, which takes some 4 ms if no filter matches. */
const ROWS_PER_SLICE = 5000;

const withEvents = (db: Db) =>
  db
    .selectFrom('deliveries')
    .innerJoin('events', 'events.position', 'deliveries.event_position')
    .leftJoin('lanes', 'lanes.lane', 'deliveries.lane')
    .select([
      'deliveries.id',
      'events.id as eventId',
      'events.type',
      'deliveries.endpoint',
      'state',
      'stopped_until',
    ])
    .select(['created_at', 'next_attempt_at', 'attempt_log', 'earlier_attempts', 'lifecycle_execution_id'])
    // Only the body names the subject of an event about a target.
    .select((eb) =>
      eb.case().when('lifecycle_execution_id', '=', '').then(eb.ref('body')).end().as('body_of_target'),
    )
    .orderBy('deliveries.id', 'desc');

type Row = Awaited<ReturnType<ReturnType<typeof withEvents>['execute']>>[number];

function attemptsOf(...logs: readonly (string | null)[]): readonly Attempt[] {
  const log = logs.filter((part) => part !== null).join(',');
  return (JSON.parse(`[${log}]`) as readonly Attempt[]).slice(-MOST_ATTEMPTS_KEPT);
}

const subjectOf = (body: string) => (JSON.parse(body) as { readonly subject: string }).subject;

function deliveryOf(
  {
    created_at: createdAt,
    next_attempt_at: nextAttemptAt,
    stopped_until: stoppedUntil,
    attempt_log: log,
    earlier_attempts: earlier,
    lifecycle_execution_id: lifecycleExecutionId,
    body_of_target: bodyOfTarget,
    ...delivery
  }: Row,
  claims: Claims,
): Delivery {
  const isWaiting = nextAttemptAt !== null && !claims.isHeld(delivery.id);
  return defined({
    ...delivery,
    subject: bodyOfTarget === null ? lifecycleExecutionId : subjectOf(bodyOfTarget),
    createdAt,
    // A delivery that was never attempted has been due since it was created.
    nextAttemptAt: isWaiting ? Math.max(createdAt, nextAttemptAt, stoppedUntil ?? 0) : undefined,
    attempts: attemptsOf(earlier, log),
  });
}

const boundary = prepared(sql<{ readonly id: number }>`
  select id from deliveries where id < ${PARAMETER} order by id desc limit 1 offset ${LIMIT_PARAMETER}`);

async function readSlice(
  db: Db,
  claims: Claims,
  { state, endpoint, eventId }: DeliveryQuery,
  before: number,
  limit: number,
): Promise<Slice<Delivery>> {
  let query = withEvents(db).where('deliveries.id', '<', before);
  // An event has few deliveries, and the database finds them by its id.
  const [lowest] = eventId === undefined ? await boundary(db, [before, ROWS_PER_SLICE - 1]) : [];
  if (lowest !== undefined) query = query.where('deliveries.id', '>=', lowest.id);
  if (eventId !== undefined)
    query = query.where('event_position', 'in', (eb) =>
      eb.selectFrom('events').select('position').where('events.id', '=', eventId),
    );
  if (state !== undefined) query = query.where('state', '=', state);
  if (endpoint !== undefined) query = query.where('deliveries.endpoint', '=', endpoint);
  const rows = await query.limit(limit).execute();
  return defined({ found: rows.map((row) => deliveryOf(row, claims)), lowest: lowest?.id });
}

/** `Reading.listDeliveries`. */
export async function listDeliveries(
  database: Database,
  claims: Claims,
  query: DeliveryQuery,
): Promise<DeliveryPage> {
  const wanted = query.limit + 1;
  const found = await readInSlices(wanted, query.before, (before, limit) =>
    database.show((db) => readSlice(db, claims, query, before, limit), 'later'),
  );
  const deliveries = found.slice(0, query.limit);
  const last = deliveries.at(-1);
  return defined({ deliveries, next: found.length === wanted ? last?.id : undefined });
}

/** `Reading.findDelivery`. */
export async function findDelivery(db: Db, claims: Claims, id: number): Promise<Delivery | undefined> {
  const row = await withEvents(db).where('deliveries.id', '=', id).executeTakeFirst();
  return row && deliveryOf(row, claims);
}
