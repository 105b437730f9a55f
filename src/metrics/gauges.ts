import { STATUS_LABELS, isFinal } from '../domain/execution/status.ts';
import type { StatusLabel } from '../domain/execution/status.ts';
import type { Declarations } from './declarations.ts';

/** The state of a target at the time of a scrape. */
export interface TargetMeasures {
  readonly target: string;
  readonly isUp: boolean;
  readonly rate: { readonly perSecond: number };
  readonly shortfall: number;
  readonly overdueSeconds: number;
  /** The number of active executions in each status; absent while they are read from the store, as is `stalled`. */
  readonly statuses?: ReadonlyMap<StatusLabel, number>;
  readonly stalled?: number;
}

/** The state of an endpoint's deliveries at the time of a scrape. */
export interface OutboxMeasures {
  readonly endpoint: string;
  readonly pending: number;
  readonly dead: number;
  readonly oldestSeconds: number;
  readonly isEnabled: boolean;
}

/** A gauge whose series are replaced at every scrape. */
interface ScrapedGauge<M> {
  reset(): void;
  set(measures: M): void;
}

interface ScrapedGauges {
  readonly targetGauges: readonly ScrapedGauge<TargetMeasures>[];
  readonly outboxGauges: readonly ScrapedGauge<OutboxMeasures>[];
}

/** Declares the gauges that have a series for each target. */
export function declareTargetGauges(declarations: Declarations): ScrapedGauges['targetGauges'] {
  const declare = (name: string, help: string, valueOf: (measures: TargetMeasures) => number | undefined) => {
    const gauge = declarations.gauge(name, help, ['target']);
    return {
      reset: () => gauge.reset(),
      set: (measures: TargetMeasures) => {
        const value = valueOf(measures);
        if (value !== undefined) gauge.set({ target: measures.target }, value);
      },
    };
  };
  return [
    declareTrackedExecutions(declarations),
    declare(
      'stalled_executions',
      'Number of active executions that have exceeded the stall limit of their current status.',
      ({ stalled }) => stalled,
    ),
    declare(
      'request_rate_limit',
      'Requests per second that may currently be sent to AWS.',
      ({ rate }) => rate.perSecond,
    ),
    declare(
      'budget_shortfall_ratio',
      'Ratio of the request rate needed to meet the target lag to the rate allowed. Above 1 the budget is too small.',
      ({ shortfall }) => shortfall,
    ),
    declare(
      'poll_overdue_seconds',
      'Seconds by which the most overdue poll is late.',
      ({ overdueSeconds }) => overdueSeconds,
    ),
    declare('target_up', '1 if the target is reachable, 0 if it is not.', ({ isUp }) => (isUp ? 1 : 0)),
  ];
}

function declareTrackedExecutions(declarations: Declarations): ScrapedGauge<TargetMeasures> {
  const gauge = declarations.gauge('tracked_executions', 'Number of active executions by status.', [
    'target',
    'status',
  ]);
  return {
    reset: () => gauge.reset(),
    set({ target, statuses }) {
      if (statuses === undefined) return;
      for (const status of STATUS_LABELS) {
        // An execution with a final status is no longer active.
        if (!isFinal(status)) gauge.set({ target, status }, statuses.get(status) ?? 0);
      }
    },
  };
}

/** Declares the gauges that have a series for each endpoint. */
export function declareOutboxGauges(declarations: Declarations): ScrapedGauges['outboxGauges'] {
  const declare = (
    name: string,
    help: string,
    valueOf: (measures: OutboxMeasures) => number,
    initialValue?: number,
  ) => {
    const gauge = declarations.gauge(name, help, ['endpoint'], initialValue);
    return {
      reset: () => gauge.reset(),
      set: (measures: OutboxMeasures) => gauge.set({ endpoint: measures.endpoint }, valueOf(measures)),
    };
  };
  return [
    declare('outbox_pending', 'Number of deliveries that are waiting to be sent.', ({ pending }) => pending),
    declare(
      'outbox_oldest_seconds',
      'Age of the oldest waiting delivery in seconds, or 0 if none is waiting.',
      ({ oldestSeconds }) => oldestSeconds,
    ),
    declare('outbox_dead', 'Number of stored deliveries that have been given up.', ({ dead }) => dead),
    declare(
      'endpoint_enabled',
      '1 if the endpoint is enabled, 0 if deliveries to it have been disabled.',
      ({ isEnabled }) => (isEnabled ? 1 : 0),
      1,
    ),
  ];
}

/**
 * Sets the gauges to the present state and removes the series of all other targets and endpoints. If `outboxes` is
 * undefined because they could not be counted, the gauges of the endpoints keep their values.
 */
export function setGauges(
  { targetGauges, outboxGauges }: ScrapedGauges,
  targets: Iterable<TargetMeasures>,
  outboxes: Iterable<OutboxMeasures> | undefined,
): void {
  replaceSeries(targetGauges, targets);
  if (outboxes !== undefined) replaceSeries(outboxGauges, outboxes);
}

function replaceSeries<M>(gauges: readonly ScrapedGauge<M>[], all: Iterable<M>): void {
  for (const gauge of gauges) gauge.reset();
  for (const measures of all) for (const gauge of gauges) gauge.set(measures);
}

interface OutboxCount extends Partial<Pick<OutboxMeasures, 'pending' | 'dead'>> {
  readonly endpoint: string;
  readonly oldestPendingAt?: number;
}

/**
 * Returns the state of each endpoint at `now`, in epoch milliseconds. An endpoint is disabled if one of its lanes is; an
 * endpoint that is not among `counted` has no deliveries.
 */
export function outboxMeasures(
  endpoints: readonly string[],
  counted: readonly OutboxCount[],
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
