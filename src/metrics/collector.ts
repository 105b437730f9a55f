import { STATUS_LABELS, isFinal } from '../domain/execution/status.ts';
import type { StatusLabel } from '../domain/execution/status.ts';
import type { Instruments } from './instruments.ts';

/** A target's present state, read when metrics are asked for. */
export interface TargetMeasures {
  readonly target: string;
  readonly isUp: boolean;
  readonly rate: { readonly perSecond: number };
  readonly shortfall: number;
  readonly overdueSeconds: number;
  /** How many active executions are in each status. */
  readonly statuses: ReadonlyMap<StatusLabel, number>;
  readonly stalled: number;
}

export interface OutboxMeasures {
  readonly endpoint: string;
  readonly pending: number;
  readonly dead: number;
  readonly oldestSeconds: number;
  readonly isEnabled: boolean;
}

interface Counted extends Partial<Pick<OutboxMeasures, 'pending' | 'dead'>> {
  readonly endpoint: string;
  readonly oldestPendingAt?: number;
}

/** How each endpoint does at `now`, epoch milliseconds: disabled where one of its lanes is. */
export function outboxMeasures(
  endpoints: readonly string[],
  counted: readonly Counted[],
  unhealthy: readonly { readonly endpoint: string; readonly disabledReason?: string }[],
  now: number,
): readonly OutboxMeasures[] {
  const counts = new Map(counted.map((count) => [count.endpoint, count]));
  const disabled = new Set(
    unhealthy.filter((lane) => lane.disabledReason !== undefined).map(({ endpoint }) => endpoint),
  );
  return endpoints.map((endpoint) => {
    const { pending = 0, dead = 0, oldestPendingAt = now } = counts.get(endpoint) ?? {};
    const oldestSeconds = Math.max(0, now - oldestPendingAt) / 1000;
    return { endpoint, pending, dead, oldestSeconds, isEnabled: !disabled.has(endpoint) };
  });
}

/**
 * Sets the gauges to the present state; of targets and endpoints that are not among them there are none. Where the outboxes
 * could not be counted theirs stay as they were.
 */
export function setGauges(
  instruments: Instruments,
  targets: Iterable<TargetMeasures>,
  outboxes: Iterable<OutboxMeasures> | undefined,
): void {
  const { targetUp, requestRateLimit, budgetShortfall, pollOverdue, stalledExecutions, trackedExecutions } =
    instruments;
  const ofTargets = [targetUp, requestRateLimit, budgetShortfall, pollOverdue, stalledExecutions];
  for (const gauge of [...ofTargets, trackedExecutions]) gauge.reset();
  for (const { target, isUp, rate, shortfall, overdueSeconds, statuses, stalled } of targets) {
    targetUp.set({ target }, isUp ? 1 : 0);
    requestRateLimit.set({ target }, rate.perSecond);
    budgetShortfall.set({ target }, shortfall);
    pollOverdue.set({ target }, overdueSeconds);
    stalledExecutions.set({ target }, stalled);
    for (const status of STATUS_LABELS) {
      // A final execution is no longer active.
      if (!isFinal(status)) trackedExecutions.set({ target, status }, statuses.get(status) ?? 0);
    }
  }
  if (outboxes === undefined) return;
  const { outboxPending, outboxDead, outboxOldest, endpointEnabled } = instruments;
  for (const gauge of [outboxPending, outboxDead, outboxOldest, endpointEnabled]) gauge.reset();
  for (const { endpoint, pending, dead, oldestSeconds, isEnabled } of outboxes) {
    outboxPending.set({ endpoint }, pending);
    outboxDead.set({ endpoint }, dead);
    outboxOldest.set({ endpoint }, oldestSeconds);
    endpointEnabled.set({ endpoint }, isEnabled ? 1 : 0);
  }
}
