import { setImmediate as nextRound } from 'node:timers/promises';
import type { Registration } from '../domain/execution/registration.ts';
import type { Clock } from '../runtime/clock.ts';
import { MOST_FAULTS } from '../wire/problem.ts';
import { Problem } from './problem.ts';

/**
 * Once the answer to a batch names `MOST_FAULTS`, each further item names at most this many. A thousand items then come to
 * 1 MB, plus the names from the request.
 */
const MOST_FAULTS_AN_ITEM = 10;
/** Validation yields to other work after this long. An item with a hundred invalid labels takes 0.3 ms. */
const STRETCH_MS = 10;

/** Validates each item of a batch, in order. `validate` may name at most `mostFaults` faults. */
export async function validateBatch(
  items: readonly unknown[],
  validate: (item: unknown, mostFaults: number) => Registration | Problem,
  clock: Pick<Clock, 'monotonicNow'>,
): Promise<readonly (Registration | Problem)[]> {
  const validated: (Registration | Problem)[] = [];
  let faultsLeft = MOST_FAULTS;
  // The first stretch begins with a pause, because parsing 2 MiB of JSON has already taken up to 100 ms.
  let startedTick = -Infinity;
  for (const item of items) {
    if (clock.monotonicNow() - startedTick > STRETCH_MS) {
      await nextRound();
      startedTick = clock.monotonicNow();
    }
    const result = validate(item, Math.max(faultsLeft, MOST_FAULTS_AN_ITEM));
    if (result instanceof Problem) faultsLeft -= result.faults?.length ?? 0;
    validated.push(result);
  }
  return validated;
}
