import type { Log } from '../runtime/log.ts';
import type { Notice, Subscriber } from './notices.ts';

/** Creates the subscriber that writes the log lines about executions, targets and deliveries. */
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
        log.warn(notice.lane, 'endpoint is disabled');
        break;
      case 'deliveries_abandoned': {
        const { endpoint, count } = notice;
        log.warn({ endpoint, count }, 'endpoint was removed: its open deliveries are dead');
        break;
      }
      // These are only counted; a reload writes its own lines.
      case 'call_ended':
      case 'throttled':
      case 'registered':
      case 'attempt_ended':
      case 'configuration_loaded':
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
  if (event.type === 'target.recovered') log.info(fields, 'target can be reached again');
  else log.error(fields, 'target cannot be reached: it is tried with care');
}
