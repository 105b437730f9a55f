import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { ATTEMPT_OUTCOMES } from '../domain/delivery/delivery.ts';
import { EVENT_TYPES } from '../domain/change/event.ts';
import { CALL_OUTCOMES } from '../domain/call/outcome.ts';
import { THROTTLE_CAUSES } from '../domain/call/rate.ts';
import { REGISTRATION_OUTCOMES } from '../domain/execution/registration.ts';
import { FINAL_STATUSES } from '../domain/execution/status.ts';

const PREFIX = 'lifecycle_watcher_';

const EXECUTION_BUCKETS = [10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800];
const LAG_BUCKETS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3600];
const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** All series of the watcher, in a registry of their own. Labels come from closed lists and from the configuration. */
export function createInstruments(version: string) {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram({ name: PREFIX + name, help, labelNames, buckets, registers });

  collectDefaultMetrics({ register: registry });
  // Gauges with the name of a counter; they are no more than the sums of others that stay.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  gauge('build_info', 'The version that runs.', ['version']).set({ version }, 1);
  return {
    registry,
    trackedExecutions: gauge('tracked_executions', 'Active executions.', ['target', 'status']),
    stalledExecutions: gauge(
      'stalled_executions',
      'Active executions that have been in one status too long.',
      ['target'],
    ),
    transitions: counter('transitions_total', 'Changes of status that were recorded.', [
      'target',
      'from',
      'to',
    ]),
    executionDuration: histogram(
      'execution_duration_seconds',
      'From start to end, as AWS gives them.',
      ['target', 'status'],
      EXECUTION_BUCKETS,
    ),
    detectionLag: histogram(
      'detection_lag_seconds',
      'From an end to its first sight.',
      ['target'],
      LAG_BUCKETS,
    ),
    apiRequests: counter('api_requests_total', 'Requests sent to AWS, by how they ended.', [
      'target',
      'operation',
      'outcome',
    ]),
    apiRequestDuration: histogram(
      'api_request_duration_seconds',
      'How long AWS took to answer.',
      ['target', 'operation'],
      CALL_BUCKETS,
    ),
    requestRateLimit: gauge('request_rate_limit', 'Requests per second now allowed.', ['target']),
    throttles: counter('throttles_total', 'Throttles, by where the rate was.', ['target', 'cause']),
    budgetShortfall: gauge('budget_shortfall_ratio', 'Calls wanted over calls allowed.', ['target']),
    pollOverdue: gauge('poll_overdue_seconds', 'How late the most overdue poll is.', ['target']),
    targetUp: gauge('target_up', 'Whether the target can be polled.', ['target']),
    registrations: counter('registrations_total', 'Registrations, by how they ended.', ['source', 'outcome']),
    events: counter('events_total', 'Events recorded.', ['type']),
    deliveries: counter('deliveries_total', 'Deliveries that came to an end.', ['endpoint', 'outcome']),
    deliveryAttempts: counter('delivery_attempts_total', 'Requests sent to endpoints.', [
      'endpoint',
      'outcome',
    ]),
    deliveryDuration: histogram(
      'delivery_duration_seconds',
      'How long one attempt took.',
      ['endpoint'],
      CALL_BUCKETS,
    ),
    outboxPending: gauge('outbox_pending', 'Deliveries that wait.', ['endpoint']),
    outboxOldest: gauge('outbox_oldest_seconds', 'Age of the oldest delivery that waits.', ['endpoint']),
    outboxDead: gauge('outbox_dead', 'Deliveries given up.', ['endpoint']),
    configReloaded: gauge(
      'config_last_reload_successful',
      'Whether the configuration that was read last is in effect.',
      [],
    ),
    configReloadedAt: gauge(
      'config_last_reload_success_timestamp_seconds',
      'When the configuration in effect was read.',
      [],
    ),
    endpointEnabled: gauge('endpoint_enabled', 'Whether the endpoint is delivered to.', ['endpoint']),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;

/** Makes every series whose labels are known exist at zero, so that rates begin with the first count. */
export function zeroInstruments(
  instruments: Instruments,
  known: { targets: readonly string[]; operations: readonly string[]; endpoints: readonly string[] },
): void {
  for (const target of known.targets) {
    instruments.detectionLag.zero({ target });
    for (const cause of THROTTLE_CAUSES) instruments.throttles.inc({ target, cause }, 0);
    for (const status of FINAL_STATUSES) instruments.executionDuration.zero({ target, status });
    for (const operation of known.operations) {
      instruments.apiRequestDuration.zero({ target, operation });
      for (const outcome of CALL_OUTCOMES) {
        // Only an execution can be missing.
        if (outcome === 'missing' && operation !== 'GetLifecycleExecution') continue;
        instruments.apiRequests.inc({ target, operation, outcome }, 0);
      }
    }
  }
  for (const endpoint of known.endpoints) {
    instruments.deliveryDuration.zero({ endpoint });
    for (const outcome of ATTEMPT_OUTCOMES) instruments.deliveryAttempts.inc({ endpoint, outcome }, 0);
    for (const outcome of ['delivered', 'dead']) instruments.deliveries.inc({ endpoint, outcome }, 0);
    instruments.endpointEnabled.set({ endpoint }, 1);
  }
  for (const source of ['api', 'discovery'])
    for (const outcome of REGISTRATION_OUTCOMES) instruments.registrations.inc({ source, outcome }, 0);
  for (const type of EVENT_TYPES) instruments.events.inc({ type }, 0);
}

/** `zeroInstruments`, which may be called again as targets and endpoints come: what exists keeps its counts. */
export function createZeroing(instruments: Instruments, operations: readonly string[]) {
  const seen = { targets: new Set<string>(), endpoints: new Set<string>() };
  return (known: { readonly targets: readonly string[]; readonly endpoints: readonly string[] }): void => {
    const targets = known.targets.filter((name) => !seen.targets.has(name));
    const endpoints = known.endpoints.filter((name) => !seen.endpoints.has(name));
    zeroInstruments(instruments, { targets, operations, endpoints });
    for (const name of targets) seen.targets.add(name);
    for (const name of endpoints) seen.endpoints.add(name);
  };
}
