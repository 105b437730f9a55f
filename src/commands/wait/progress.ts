import type { Observation } from '../../domain/execution/observation.ts';
import type { CallFailure } from '../../domain/call/outcome.ts';
import type { WaitEnd } from './wait-for-end.ts';
import type { Clock } from '../../runtime/clock.ts';
import { oneLine } from '../api-client/text.ts';

/** What is written to: standard output, on a terminal or not. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** On a terminal one line tells how long it has been so. */
const REFRESH_MS = 1000;
/** Elsewhere a line comes now and then, as some pipelines end a step that says nothing. */
const STILL_EVERY_MS = 300_000;
/** Carriage return, and "erase in line" of ECMA-48. */
const CLEAR_LINE = '\r\u001b[K';

/** Tells people of a wait: a line for each change, and on a terminal one below that is kept up to date. */
export function createProgress(output: Output, id: string, clock: Clock) {
  const isTerminal = output.isTTY === true;
  const beganAt = clock.now();
  let status = 'not seen yet';
  let since = beganAt;
  let trouble: string | undefined;

  const refresh = () => {
    const text = `${id}  ${status}  ${timeText(clock.now() - since)}`;
    output.write(`${CLEAR_LINE}${text}${trouble === undefined ? '' : `  (${trouble})`}`);
  };
  const line = (text: string) => {
    output.write(`${isTerminal ? CLEAR_LINE : ''}${text}\n`);
  };
  const still = () => line(`${id}  still ${status} after ${timeText(clock.now() - since)}`);
  const timer = setInterval(isTerminal ? refresh : still, isTerminal ? REFRESH_MS : STILL_EVERY_MS);
  if (isTerminal) refresh();

  return {
    onSeen(seen: Pick<Observation, 'status' | 'reason' | 'startTime'>): void {
      const { reason, startTime } = seen;
      const now = oneLine(seen.status);
      trouble = undefined;
      if (now === status) return;
      since = status === 'not seen yet' ? (startTime ?? clock.now()) : clock.now();
      status = now;
      line(`${id}  ${now}${reason === undefined ? '' : `: ${oneLine(reason)}`}`);
    },
    onFailure({ outcome, message }: Pick<CallFailure, 'outcome' | 'message'>): void {
      const told = `${outcome}: ${oneLine(message)}`;
      // On a terminal it stands in the line that is kept; elsewhere the first of a row is told.
      if (!isTerminal && trouble === undefined && outcome !== 'throttled') line(`${id}  ${told}`);
      trouble = outcome === 'throttled' ? trouble : told;
    },
    end(end: WaitEnd): void {
      const waited = timeText(clock.now() - beganAt);
      switch (end.kind) {
        case 'final': {
          const { startTime, endTime } = end.seen;
          const ran = startTime === undefined || endTime === undefined ? undefined : endTime - startTime;
          line(
            `${end.status} ${ran === undefined ? `after ${waited}` : `after it ran for ${timeText(ran)}`}`,
          );
          break;
        }
        case 'timed_out':
          line(`not over after ${waited}${end.status === undefined ? '' : `: ${end.status}`}; it goes on`);
          break;
        case 'not_found':
          line(`AWS knows no such execution in this account and Region, after ${waited}`);
          break;
        case 'broken':
          line(`given up after ${waited}`);
          break;
        case 'stopped':
          line(`waited for ${waited}, no longer; the execution goes on`);
          break;
      }
    },
    /** Leaves the line to whoever comes next. May be called again. */
    close(): void {
      clearInterval(timer);
    },
  };
}

/** `3 s`, `2 min 5 s`, `1 h 0 min`, `3 d 2 h`: the two largest parts. */
export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${seconds % 60} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
