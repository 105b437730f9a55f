import { Counter, Gauge, Histogram } from 'prom-client';
import type { Metric } from 'prom-client';
import { OPERATIONS } from '../../src/domain/call/operation.ts';
import { STATUS_LABELS, isFinal } from '../../src/domain/execution/status.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { code, pageText, table } from './doc-page.ts';

const PREFIX = 'lifecycle_watcher_';
/** Labels whose values come from the configuration. */
const CONFIGURED = { target: ['a target'], endpoint: ['an endpoint'] };

type Declared = Metric & { readonly name: string; readonly help: string; readonly labelNames: string[] };

function declaredMetrics(): readonly Declared[] {
  const { registry, declarations } = createInstruments('1');
  declarations.initialize({ ...CONFIGURED, operation: OPERATIONS });
  const metrics = registry.getMetricsAsArray() as unknown as readonly Declared[];
  return metrics.filter(({ name }) => name.startsWith(PREFIX));
}

const typeOf = (metric: Metric) =>
  metric instanceof Counter ? 'counter' : metric instanceof Histogram ? 'histogram' : 'gauge';

const metricsText = () =>
  table(
    ['name', 'type', 'labels', 'meaning'],
    declaredMetrics().map((metric) => [
      code(metric.name.replace(PREFIX, '')),
      typeOf(metric),
      metric.labelNames.join(', '),
      metric.help,
    ]),
  );

/** The values that a label has from the start, by metric and label. */
async function valuesText(): Promise<string> {
  const rows: string[][] = [];
  for (const metric of declaredMetrics()) {
    const short = metric.name.replace(PREFIX, '');
    for (const label of metric.labelNames) {
      if (label in CONFIGURED || metric instanceof Gauge) continue;
      const { values } = await metric.get();
      const found = new Set(values.flatMap(({ labels }) => labels[label] ?? []));
      if (found.size > 0) rows.push([code(short), label, Array.from(found, String).map(code).join(', ')]);
    }
  }
  const active = STATUS_LABELS.filter((status) => !isFinal(status));
  const tracked = [code('tracked_executions'), 'status', active.map(code).join(', ')];
  const transitions = [code('transitions_total'), 'from, to', STATUS_LABELS.map(code).join(', ')];
  return table(['metric', 'label', 'values'], [tracked, transitions, ...rows]);
}

/** Returns `docs/metrics.md` with its tables generated anew from the declared metrics. */
export const metricsPageText = () =>
  pageText('docs/metrics.md', { metrics: metricsText, values: valuesText });
