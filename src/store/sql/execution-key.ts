import { sql } from 'kysely';
import type { ExecutionKey } from '../../domain/execution/execution.ts';
import type { ColumnType } from './over-rows.ts';
import type { Parameter } from './prepared.ts';

/** The columns of an execution's key, in the order of `keyValues`. */
export const KEY_COLUMNS = sql`account_id, region, lifecycle_execution_id`;

export const KEY_TYPES: readonly ColumnType[] = ['text', 'text', 'text'];

export function keyValues({ accountId, region, lifecycleExecutionId }: ExecutionKey): readonly Parameter[] {
  return [accountId, region, lifecycleExecutionId];
}
