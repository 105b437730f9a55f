import type { Reading } from '../http/reading.ts';
import { outboxMeasures, setGauges } from '../metrics/gauges.ts';
import type { Instruments } from '../metrics/instruments.ts';
import type { Poller } from '../polling/poller.ts';
import type { Clock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { shared } from '../runtime/share.ts';

/** Counting a large outbox takes time. At most this part of all time goes there, however often metrics are requested. */
const COUNT_SHARE = 20;

export interface MetricsPageParts {
  readonly instruments: Instruments;
  readonly reading: Pick<Reading, 'outboxCounts' | 'unhealthyEndpoints'>;
  readonly targets: { pollers(): readonly Poller[] };
  /** Returns the names of the endpoints that are configured now. */
  readonly endpoints: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Creates the function that returns the text of `/metrics`, with gauges that show the present state. */
export function createMetricsPage(parts: MetricsPageParts) {
  const { instruments, reading, targets, endpoints, clock, log } = parts;
  const countOutbox = shared(
    async () => ({
      counts: await reading.outboxCounts(),
      unhealthy: await reading.unhealthyEndpoints(),
    }),
    clock,
    (tookMs) => COUNT_SHARE * tookMs,
  );
  return async () => {
    const outbox = await countOutbox().catch((error: unknown) => {
      log.error(errorFields(error), 'outbox could not be counted');
      return undefined;
    });
    setGauges(
      instruments,
      targets.pollers().map((poller) => poller.measures()),
      outbox && outboxMeasures(endpoints(), outbox.counts, outbox.unhealthy, clock.now()),
    );
    const { registry } = instruments;
    return { contentType: registry.contentType, body: await registry.metrics() };
  };
}
