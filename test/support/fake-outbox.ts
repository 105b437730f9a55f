import type { Outbox } from '../../src/delivery/dispatcher.ts';
import { callbackLane } from '../../src/domain/callback.ts';
import { healthAfter } from '../../src/domain/lane-health.ts';
import type { Health } from '../../src/domain/lane-health.ts';
import type { ClaimedDelivery, LaneHealth, Settlement } from '../../src/store/store.ts';

interface Row extends Omit<ClaimedDelivery, 'claim'> {
  readonly state: Settlement['state'];
  /** When it is due, or its claim ends. */
  readonly nextAttemptAt: number;
  readonly claim?: string;
}

/** An outbox in memory that behaves as the store promises, and fails when it is told to. */
export function createFakeOutbox() {
  const rows = new Map<number, Row>();
  const healths = new Map<string, Health>();
  const groups: (readonly Settlement[])[] = [];
  const claims: { lane: string; limit: number; now: number; claimedUntil: number }[] = [];
  const failures = { claim: 0, settle: 0 };
  let lastClaim = 0;

  function maybeFail(method: keyof typeof failures): void {
    if (failures[method] === 0) return;
    failures[method] -= 1;
    throw new Error('disk is full');
  }

  const isDisabled = (lane: string) => healths.get(lane)?.disabledReason !== undefined;

  const outbox: Outbox = {
    async claim(lane, limit, now, claimedUntil) {
      await Promise.resolve();
      claims.push({ lane, limit, now, claimedUntil });
      maybeFail('claim');
      if (isDisabled(lane)) return [];
      const due = [...rows.values()]
        .filter((row) => row.state === 'pending' && row.lane === lane && row.nextAttemptAt <= now)
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
      const held: Settlement[] = [];
      const disabled: LaneHealth[] = [];
      for (const settlement of settlements) {
        const { id, claim, lane, endpoint, attempt, state, nextAttemptAt } = settlement;
        const row = rows.get(id);
        if (row?.claim !== claim) continue;
        held.push(settlement);
        const { claim: _, ...rest } = row;
        rows.set(id, {
          ...rest,
          state,
          attempts: row.attempts + 1,
          nextAttemptAt: nextAttemptAt ?? Infinity,
        });
        const wasDisabled = isDisabled(lane);
        const health = healthAfter(healths.get(lane) ?? {}, attempt);
        healths.set(lane, health);
        if (isDisabled(lane) && !wasDisabled) disabled.push({ lane, endpoint, ...health });
      }
      return { held, disabled };
    },
    async release(claimed) {
      await Promise.resolve();
      for (const { id, claim } of claimed) {
        const row = rows.get(id);
        if (row?.claim !== claim) continue;
        const { claim: _, ...rest } = row;
        rows.set(id, { ...rest, nextAttemptAt: 0 });
      }
    },
    async waitingLanes(endpoint) {
      await Promise.resolve();
      const open = [...rows.values()].filter(
        (row) => row.state === 'pending' && row.endpoint === endpoint && !isDisabled(row.lane),
      );
      return [...new Set(open.map(({ lane }) => lane))];
    },
    async nextDueAt(lane) {
      await Promise.resolve();
      if (isDisabled(lane)) return undefined;
      const open = [...rows.values()].filter((row) => row.state === 'pending' && row.lane === lane);
      return open.length === 0 ? undefined : Math.min(...open.map((row) => row.nextAttemptAt));
    },
  };

  return {
    ...outbox,
    /** Adds a delivery due at `at`, and returns its id. */
    add(endpoint: string, at: number, callbackUrl?: string): number {
      const id = rows.size + 1;
      rows.set(id, {
        id,
        lane: callbackUrl === undefined ? endpoint : callbackLane(callbackUrl),
        endpoint,
        ...(callbackUrl === undefined ? {} : { url: callbackUrl }),
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
    health: (lane: string) => healths.get(lane) ?? {},
    enable: (lane: string) => healths.delete(lane),
    /** Makes the next calls of a method fail. */
    fail(method: keyof typeof failures, times: number): void {
      failures[method] = times;
    },
  };
}
