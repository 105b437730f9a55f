import { collectDefaultMetrics } from 'prom-client';
import { CALL_OUTCOMES } from '../domain/call/outcome.ts';
import { THROTTLE_CAUSES } from '../domain/call/rate.ts';
import { EVENT_TYPES } from '../domain/change/event.ts';
import { ATTEMPT_OUTCOMES } from '../domain/delivery/delivery.ts';
import { REGISTRATION_OUTCOMES } from '../domain/execution/registration.ts';
import { FINAL_STATUSES } from '../domain/execution/status.ts';
import { Declarations } from './declarations.ts';
import { declareOutboxGauges, declareTargetGauges } from './gauges.ts';

const EXECUTION_BUCKETS = [10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800];
const LAG_BUCKETS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3600];
const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Creates all metrics of the watcher in a registry of their own. Label values come from closed lists and from the
 * configuration, so the number of series is bounded.
 *
 * A new counter or histogram is declared here and updated in `count-notices.ts`. A new gauge of a target or an endpoint is
 * one entry in `gauges.ts`.
 */
export function createInstruments(version: string) {
  const declarations = new Declarations();
  const { registry } = declarations;
  collectDefaultMetrics({ register: registry });
  // These gauges have names reserved for counters, and are only the sums of other gauges, which stay.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  declarations
    .gauge('build_info', 'Always 1; the label holds the version of this process.', ['version'])
    .set({ version }, 1);
  return {
    registry,
    declarations,
    ...declareExecutions(declarations),
    ...declareCalls(declarations),
    ...declareDeliveries(declarations),
    ...declareConfiguration(declarations),
    targetGauges: declareTargetGauges(declarations),
    outboxGauges: declareOutboxGauges(declarations),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;

function declareExecutions(declarations: Declarations) {
  return {
    registrations: declarations.counter(
      'registrations_total',
      'Number of registrations by source and outcome.',
      ['source', 'outcome'],
      { values: { source: ['api', 'discovery'], outcome: REGISTRATION_OUTCOMES } },
    ),
    transitions: declarations.counter('transitions_total', 'Number of recorded status changes.', [
      'target',
      'from',
      'to',
    ]),
    events: declarations.counter('events_total', 'Number of recorded events by type.', ['type'], {
      values: { type: EVENT_TYPES },
    }),
    executionDuration: declarations.histogram(
      'execution_duration_seconds',
      'Seconds from the start to the end of an execution, as reported by AWS.',
      ['target', 'status'],
      EXECUTION_BUCKETS,
      { values: { status: FINAL_STATUSES } },
    ),
    detectionLag: declarations.histogram(
      'detection_lag_seconds',
      'Seconds from the end of an execution to its detection.',
      ['target'],
      LAG_BUCKETS,
    ),
  };
}

function declareCalls(declarations: Declarations) {
  return {
    apiRequests: declarations.counter(
      'api_requests_total',
      'Number of requests sent to AWS by operation and outcome.',
      ['target', 'operation', 'outcome'],
      {
        values: { outcome: CALL_OUTCOMES },
        // Only an execution can be missing.
        includes: ({ operation, outcome }) => outcome !== 'missing' || operation === 'GetLifecycleExecution',
      },
    ),
    apiRequestDuration: declarations.histogram(
      'api_request_duration_seconds',
      'Seconds from sending a request to AWS to its response or failure.',
      ['target', 'operation'],
      CALL_BUCKETS,
    ),
    throttles: declarations.counter(
      'throttles_total',
      'Number of throttled requests by whether the request rate was at or below the rate learnt from AWS.',
      ['target', 'cause'],
      { values: { cause: THROTTLE_CAUSES } },
    ),
  };
}

function declareDeliveries(declarations: Declarations) {
  return {
    deliveries: declarations.counter(
      'deliveries_total',
      'Number of deliveries that have been delivered or given up.',
      ['endpoint', 'outcome'],
      { values: { outcome: ['delivered', 'dead'] } },
    ),
    deliveryAttempts: declarations.counter(
      'delivery_attempts_total',
      'Number of delivery attempts by outcome.',
      ['endpoint', 'outcome'],
      { values: { outcome: ATTEMPT_OUTCOMES } },
    ),
    deliveryDuration: declarations.histogram(
      'delivery_duration_seconds',
      'Seconds that one delivery attempt took.',
      ['endpoint'],
      CALL_BUCKETS,
    ),
  };
}

function declareConfiguration(declarations: Declarations) {
  return {
    configReloaded: declarations.gauge(
      'config_last_reload_successful',
      '1 if the last configuration that was read is in effect, 0 if it was refused.',
      [],
    ),
    configReloadedAt: declarations.gauge(
      'config_last_reload_success_timestamp_seconds',
      'Unix timestamp in seconds of the last time a configuration was applied.',
      [],
    ),
  };
}

/**
 * Returns a function that creates the initial series of targets and endpoints at zero, so that rates include the first
 * count. Call it again as targets and endpoints are added: series that exist keep their counts.
 */
export function createZeroing({ declarations }: Instruments, operations: readonly string[]) {
  const initialized = { targets: new Set<string>(), endpoints: new Set<string>() };
  return (known: { readonly targets: readonly string[]; readonly endpoints: readonly string[] }): void => {
    const targets = known.targets.filter((name) => !initialized.targets.has(name));
    const endpoints = known.endpoints.filter((name) => !initialized.endpoints.has(name));
    declarations.initialize({ target: targets, endpoint: endpoints, operation: operations });
    for (const name of targets) initialized.targets.add(name);
    for (const name of endpoints) initialized.endpoints.add(name);
  };
}
