import { isoInstant } from '../domain/change/event.ts';
import type { Log } from '../runtime/log.ts';
import type { Notice, Subscriber } from './notices.ts';

/** Creates the subscriber that logs changes to executions, targets and deliveries. */
export function logNotices(log: Log): Subscriber {
  return (notice) => {
    switch (notice.kind) {
      case 'change_recorded':
        logChange(log, notice);
        break;
      case 'target_event_recorded':
        logTargetEvent(log, notice);
        break;
      case 'delivery_settled': {
        const { kind: _, ...fields } = notice;
        if (notice.state === 'dead') log.warn(fields, 'a delivery is dead');
        else log.debug(fields, 'a delivery was attempted');
        break;
      }
      case 'lane_health_changed':
        logHealth(log, notice);
        break;
      case 'endpoint_enabled':
        log.info({ endpoint: notice.endpoint }, 'endpoint was enabled');
        break;
      case 'deliveries_abandoned': {
        const { endpoint, count } = notice;
        log.warn(
          { endpoint, count },
          'endpoint was removed from the configuration; gave up its open deliveries',
        );
        break;
      }
      default:
        // All others are only counted.
        break;
    }
  };
}

function logChange(log: Log, { target, change }: Extract<Notice, { kind: 'change_recorded' }>): void {
  const { next, from, event } = change;
  const { lifecycleExecutionId, status: to, tracking, reason } = next;
  const eventFields = event === undefined ? {} : { event: event.type, eventId: event.id };
  log.info({ target, lifecycleExecutionId, from, to, tracking, reason, ...eventFields }, 'status');
}

function logTargetEvent(
  log: Log,
  { target, event, problem }: Extract<Notice, { kind: 'target_event_recorded' }>,
): void {
  const fields = { target, kind: problem.kind, problem: problem.message, eventId: event.id };
  if (event.type === 'target.recovered') log.info(fields, 'target is reachable again');
  else log.error(fields, 'target is unreachable; retrying with backoff');
}

const isoOf = (time: number | undefined) => (time === undefined ? undefined : isoInstant(time));

function logHealth(
  log: Log,
  { lane, endpoint, change, before, after, attempt }: Extract<Notice, { kind: 'lane_health_changed' }>,
): void {
  // The lanes of callbacks are named by their origin.
  const origin = lane === endpoint ? {} : { origin: lane };
  const { outcome, httpStatus, error } = attempt;
  const reason = { outcome, httpStatus, error };
  switch (change) {
    case 'failing':
      log.warn(
        { endpoint, ...origin, ...reason, stoppedUntil: isoOf(after.stop?.until) },
        'endpoint begins to fail',
      );
      break;
    case 'recovered':
      log.info({ endpoint, ...origin, failingSince: isoOf(before.failingSince) }, 'endpoint recovered');
      break;
    case 'disabled': {
      const { disabledReason, failingSince } = after;
      log.warn(
        { endpoint, ...origin, disabledReason, failingSince: isoOf(failingSince), ...reason },
        'endpoint is disabled; its deliveries wait until it is enabled',
      );
      break;
    }
  }
}
