import { sql } from 'kysely';
import type { Execution, ExecutionKey } from '../../domain/execution/execution.ts';
import { keyText } from '../../domain/execution/execution.ts';
import { register } from '../../domain/execution/registration.ts';
import type { Registration, RegistrationResult } from '../../domain/execution/registration.ts';
import { addFinalCallbacks } from './callbacks.ts';
import type { Db } from './database.ts';
import { KEY_COLUMNS, KEY_TYPES, keyValues } from './execution-key.ts';
import {
  ALL_COLUMNS,
  WISH_COLUMNS,
  assignments,
  executionOf,
  namesOf,
  typesOf,
  valuesOf,
} from './execution-row.ts';
import { overRows } from './over-rows.ts';
import type { ExecutionTable } from './tables.ts';

/** One call of `Intake.register`. */
export interface RegisterCall {
  readonly registrations: readonly Registration[];
  readonly at: number;
}

const readKnown = overRows(
  KEY_TYPES,
  (rows) => sql<ExecutionTable>`
    with asked(${KEY_COLUMNS}) as (values ${rows})
    select executions.* from asked join executions using (${KEY_COLUMNS})`,
);

const insertOrReplace = overRows(
  typesOf(ALL_COLUMNS),
  (rows) => sql`
    insert into executions (${namesOf(ALL_COLUMNS)}) values ${rows}
    on conflict (${KEY_COLUMNS})
    do update set ${assignments(ALL_COLUMNS, 'excluded')}`,
);

/** Sets none of the columns that pollers write, so that it undoes none of their writes. */
const updateWishes = overRows(
  ['bigint', ...typesOf(WISH_COLUMNS)],
  (rows) => sql`
    with wished(registration, ${namesOf(WISH_COLUMNS)}) as (values ${rows})
    update executions set ${assignments(WISH_COLUMNS, 'wished')}
    from wished where executions.registration = wished.registration`,
);

/** `Intake.register`, for several calls at once. Must run inside a transaction. */
export async function registerAll(
  db: Db,
  calls: readonly RegisterCall[],
  steadyNow: number,
): Promise<readonly (readonly RegistrationResult[])[]> {
  const before = await knownOf(
    db,
    calls.flatMap(({ registrations }) => registrations),
  );
  const { last_registration: last } = await db
    .selectFrom('store_state')
    .select('last_registration')
    .executeTakeFirstOrThrow();

  const after = new Map(before);
  const created = new Set<string>();
  const calledAt = new Map<string, number>();
  const results = calls.map(({ registrations, at }) =>
    registrations.map((registration) => {
      const key = keyText(registration);
      const result = register(after.get(key), registration, at, last + created.size + 1);
      if (result.outcome === 'invalid') return result;
      after.set(key, result.execution);
      calledAt.set(key, at);
      if (result.outcome === 'created') created.add(key);
      return result;
    }),
  );

  const changed = [...after].filter(
    ([key, execution]) => !created.has(key) && hasOtherWishes(execution, before.get(key)),
  );
  if (created.size > 0)
    await db
      .updateTable('store_state')
      .set({ last_registration: last + created.size })
      .execute();
  const rowsOfNew = [...created].flatMap((key) => after.get(key) ?? []);
  await insertOrReplace(
    db,
    rowsOfNew.map((execution) => valuesOf(ALL_COLUMNS, execution)),
  );
  await updateWishes(
    db,
    changed.map(([, execution]) => [execution.registration, ...valuesOf(WISH_COLUMNS, execution)]),
  );
  const tooLate = changed.filter(
    ([key, { tracking, callbackUrl }]) =>
      tracking === 'finished' && callbackUrl !== before.get(key)?.callbackUrl,
  );
  await addFinalCallbacks(
    db,
    tooLate.map(([key, execution]) => ({ execution, at: calledAt.get(key) ?? steadyNow })),
  );
  return results;
}

function hasOtherWishes(execution: Execution, before: Execution | undefined): boolean {
  if (before === undefined || execution === before) return false;
  return WISH_COLUMNS.some(({ valueIn }) => valueIn(execution) !== valueIn(before));
}

async function knownOf(db: Db, keys: readonly ExecutionKey[]): Promise<ReadonlyMap<string, Execution>> {
  const distinct = new Map(keys.map((key) => [keyText(key), key]));
  const rows = await readKnown(db, Array.from(distinct.values(), keyValues));
  const executions = rows.map(executionOf);
  return new Map(executions.map((execution) => [keyText(execution), execution]));
}

/** `Intake.remove`. Must run inside a transaction. */
export async function removeExecution(
  db: Db,
  { accountId, region, lifecycleExecutionId }: ExecutionKey,
  at: number,
): Promise<number | undefined> {
  const removed = await db
    .updateTable('executions')
    .set((eb) => ({ deleted_at: at, tracking_ended_at: eb.fn.coalesce('tracking_ended_at', eb.val(at)) }))
    .where((eb) => eb.and({ account_id: accountId, region, lifecycle_execution_id: lifecycleExecutionId }))
    .where('deleted_at', 'is', null)
    .returning('registration')
    .executeTakeFirst();
  return removed?.registration;
}
