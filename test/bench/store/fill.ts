import { DatabaseSync } from 'node:sqlite';
import { TARGET } from '../../support/executions.ts';
import { openStoreAt } from '../../support/store.ts';

/** The number of rows of each kind at a scale of 1. */
export const SIZES = {
  executions: 1_000_000,
  /** Open deliveries of an endpoint that is then removed. */
  gone: 250_000,
  /** Origins of callbacks, with one pending delivery and one failing lane each. */
  origins: 100_000,
  dead: 150_000,
  delivered: 500_000,
} as const;

export const GONE = 'gone';
export const OPS = 'ops';
const HOUR_MS = 3_600_000;

/**
 * Writes a store with a million executions, half of them active and half ended long ago, one event of each, and a million
 * deliveries that are pending, dead or delivered. Uses SQL, because the daemon would take too long.
 */
export async function writeLargeStore(path: string, scale: number): Promise<void> {
  await (await openStoreAt(path))[Symbol.asyncDispose]();
  const count = (kind: keyof typeof SIZES) => Math.round(SIZES[kind] * scale);
  const [executions, gone, origins, dead] = [
    count('executions'),
    count('gone'),
    count('origins'),
    count('dead'),
  ];
  const now = Date.now();
  const longAgo = now - 100 * 24 * HOUR_MS;
  const body = JSON.stringify({ specversion: '1.0', data: 'x'.repeat(900) });
  using database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  const run = (sql: string, values: Readonly<Record<string, string | number>>) =>
    database.prepare(sql).run({ ...values });
  const numbers =
    'with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :count)';
  run(
    `${numbers} insert into executions (account_id, region, lifecycle_execution_id, registration, tracking, labels,
      source, registered_at, status, lifecycle_policy_arn, sequence, last_polled_at, tracking_ended_at)
    select :account, iif(n % 10 = 0, 'us-west-2', :region),
      printf('lce-00000000-0000-4000-8000-%012x', n), n, iif(n % 2 = 0, 'active', 'finished'),
      '{"team":"platform","stage":"prod"}', 'api', :ago, iif(n % 2 = 0, 'IN_PROGRESS', 'SUCCESS'),
      'arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/p' || (n % 50), 1, :ago,
      iif(n % 2 = 0, null, :ago)
    from numbers`,
    { count: executions, account: TARGET.accountId, region: TARGET.region, ago: longAgo },
  );
  run(
    `${numbers} insert into events (id, type, time, account_id, region, lifecycle_execution_id, body)
    select printf('%064x', n), iif(n % 2 = 0, 'execution.pending', 'execution.succeeded'), :ago, :account,
      iif(n % 10 = 0, 'us-west-2', :region), printf('lce-00000000-0000-4000-8000-%012x', n), :body
    from numbers`,
    { count: executions, account: TARGET.accountId, region: TARGET.region, ago: longAgo, body },
  );
  const delivery = `insert into deliveries (event_position, endpoint, lane, url, state, created_at, next_attempt_at,
    rung, attempts_ever, attempt_log, settled_at)`;
  const attempt = JSON.stringify({ at: now, outcome: 'rejected', durationSeconds: 0.25, httpStatus: 500 });
  run(
    `${numbers} ${delivery} select n, :gone, :gone, null, 'pending', :ago, :later, 1, 1, :attempt, null from numbers`,
    { count: gone, gone: GONE, ago: longAgo, later: now + HOUR_MS, attempt },
  );
  run(
    `${numbers} ${delivery} select n, 'callback', printf('https://host-%06d.example', n),
      printf('https://host-%06d.example/hook', n), 'pending', :ago, :later, 1, 1, :attempt, null from numbers`,
    { count: origins, ago: longAgo, later: now + HOUR_MS, attempt },
  );
  run(
    `${numbers} insert into lanes (lane, endpoint, failing_since, quiet_since, stops)
    select printf('https://host-%06d.example', n), 'callback', :ago, :ago, 0 from numbers`,
    { count: origins, ago: longAgo },
  );
  run(
    `${numbers} ${delivery} select n, :ops, :ops, null, 'dead', :ago, null, 8, 8, :attempt, :now from numbers`,
    { count: dead, ops: OPS, ago: longAgo, now, attempt },
  );
  run(
    `${numbers} ${delivery} select n + :first, :ops, :ops, null, 'delivered', :ago, null, 1, 1, :attempt, :now from numbers`,
    {
      count: count('delivered'),
      ops: OPS,
      ago: longAgo,
      now,
      attempt,
      first: executions - count('delivered'),
    },
  );
  run('update store_state set last_registration = :count', { count: executions });
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
}
