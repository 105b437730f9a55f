import { detectionLagSeconds } from '../domain/change/event.ts';
import type { Change } from '../domain/change/transition.ts';
import { isFinal, statusLabel } from '../domain/execution/status.ts';
import type { Subscriber } from '../notices/notices.ts';
import type { Instruments } from './instruments.ts';

/** Creates the subscriber that updates counters and histograms. */
export function countNotices(instruments: Instruments): Subscriber {
  return (notice) => {
    switch (notice.kind) {
      case 'call_ended': {
        const { target, operation, outcome, durationSeconds } = notice;
        instruments.apiRequests.inc({ target, operation, outcome });
        instruments.apiRequestDuration.observe({ target, operation }, durationSeconds);
        break;
      }
      case 'throttled':
        instruments.throttles.inc({ target: notice.target, cause: notice.cause });
        break;
      case 'registered':
        instruments.registrations.inc({ source: notice.source, outcome: notice.outcome });
        break;
      case 'change_recorded':
        if (notice.change.event !== undefined) instruments.events.inc({ type: notice.change.event.type });
        countTransition(instruments, notice.target, notice.change);
        break;
      case 'target_event_recorded':
        instruments.events.inc({ type: notice.event.type });
        break;
      case 'attempt_ended': {
        const { endpoint, outcome, durationSeconds } = notice;
        instruments.deliveryAttempts.inc({ endpoint, outcome });
        instruments.deliveryDuration.observe({ endpoint }, durationSeconds);
        break;
      }
      case 'delivery_settled': {
        const { endpoint, state } = notice;
        if (state !== 'pending') instruments.deliveries.inc({ endpoint, outcome: state });
        break;
      }
      case 'deliveries_abandoned':
        instruments.deliveries.inc({ endpoint: notice.endpoint, outcome: 'dead' }, notice.count);
        break;
      case 'configuration_loaded':
        instruments.configReloaded.set(notice.isApplied ? 1 : 0);
        if (notice.isApplied) instruments.configReloadedAt.set(notice.at / 1000);
        break;
      // The gauge of enabled endpoints is read from the store at each scrape.
      case 'lane_health_changed':
      case 'endpoint_enabled':
        break;
    }
  };
}

function countTransition(instruments: Instruments, target: string, change: Change): void {
  const { next, from } = change;
  const to = next.status;
  if (!change.isNewStatus || to === undefined) return;
  instruments.transitions.inc({ target, from: statusLabel(from ?? undefined), to: statusLabel(to) });
  if (!isFinal(to)) return;
  if (next.startTime !== undefined && next.endTime !== undefined) {
    const seconds = Math.max(0, next.endTime - next.startTime) / 1000;
    instruments.executionDuration.observe({ target, status: to }, seconds);
  }
  const lag =
    next.trackingEndedAt === undefined ? undefined : detectionLagSeconds(next, next.trackingEndedAt);
  if (lag !== undefined && from !== null) instruments.detectionLag.observe({ target }, lag);
}
