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
        log[notice.state === 'dead' ? 'info' : 'debug'](fields, 'delivery');
        break;
      }
      case 'lane_disabled':
        log.warn(notice.lane, 'endpoint disabled');
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
