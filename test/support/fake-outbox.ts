import type { Outbox } from '../../src/delivery/dispatcher.ts';
import type { ClaimedDelivery, Settlement } from '../../src/store/store.ts';

interface Row extends Omit<ClaimedDelivery, 'claim'> {
  readonly state: Settlement['state'];
  /** When it is due, or its claim ends. */
  readonly nextAttemptAt: number;
  readonly claim?: string;
}

/** An outbox in memory that behaves as the store promises, and fails when it is told to. */
export function createFakeOutbox() {
  const rows = new Map<number, Row>();
  const groups: (readonly Settlement[])[] = [];
  const claims: { endpoint: string; limit: number; now: number; claimedUntil: number }[] = [];
  const failures = { claim: 0, settle: 0 };
  let lastClaim = 0;

  function maybeFail(method: keyof typeof failures): void {
    if (failures[method] === 0) return;
    failures[method] -= 1;
    throw new Error('disk is full');
  }

  const outbox: Outbox = {
    async claim(endpoint, limit, now, claimedUntil) {
      await Promise.resolve();
      claims.push({ endpoint, limit, now, claimedUntil });
      maybeFail('claim');
      const due = [...rows.values()]
        .filter((row) => row.state === 'pending' && row.endpoint === endpoint && row.nextAttemptAt <= now)
        .sort((a, b) => a.nextAttemptAt - b.nextAttemptAt)
        .slice(0, limit);
      return due.map((row) => {
        const claim = `claim ${(lastClaim += 1)}`;
        rows.set(row.id, { ...row, claim, nextAttemptAt: claimedUntil });
        return { ...row, claim };
      });
    },
    async settle(settlements) {
      await Promise.resolve();
      maybeFail('settle');
      groups.push(settlements);
      for (const { id, claim, state, nextAttemptAt } of settlements) {
        const row = rows.get(id);
        if (row?.claim !== claim) continue;
        const { claim: _, ...rest } = row;
        rows.set(id, {
          ...rest,
          state,
          attempts: row.attempts + 1,
          nextAttemptAt: nextAttemptAt ?? Infinity,
        });
      }
    },
    async nextDueAt(endpoint) {
      await Promise.resolve();
      const open = [...rows.values()].filter((row) => row.state === 'pending' && row.endpoint === endpoint);
      return open.length === 0 ? undefined : Math.min(...open.map((row) => row.nextAttemptAt));
    },
  };

  return {
    ...outbox,
    /** Adds a delivery due at `at`, and returns its id. */
    add(endpoint: string, at: number): number {
      const id = rows.size + 1;
      rows.set(id, {
        id,
        endpoint,
        eventId: `event ${id}`,
        eventType: 'execution.failed',
        body: `{"id":"event ${id}"}`,
        attempts: 0,
        state: 'pending',
        nextAttemptAt: at,
      });
      return id;
    },
    row: (id: number) => rows.get(id),
    states: () => [...rows.values()].map(({ state }) => state),
    /** What was settled, call by call. */
    groups: (): readonly (readonly Settlement[])[] => groups,
    claims: () => claims,
    /** Makes the next calls of a method fail. */
    fail(method: keyof typeof failures, times: number): void {
      failures[method] = times;
    },
  };
}
