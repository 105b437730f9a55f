import type { Observation } from '../../domain/execution/observation.ts';
import type { CallFailure } from '../../domain/call/outcome.ts';
import type { WaitEnd } from './wait-for-end.ts';
import type { Clock } from '../../runtime/clock.ts';
import { formatDuration, oneLine } from '../terminal/text.ts';

/** The part of a standard stream that progress is written to. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** On a terminal, a status line shows how long the status has lasted. */
const REFRESH_MS = 1000;
/** Elsewhere, a line is printed from time to time, because some pipelines end a step that prints nothing. */
const REMINDER_MS = 300_000;
/** Carriage return, and "erase in line" of ECMA-48. */
const CLEAR_LINE = '\r\u001b[K';
const NOT_SEEN = 'not seen yet';

/** Shows the progress of a wait: one line for each change and, on a terminal, a status line below. */
export function createProgress(output: Output, id: string, clock: Clock) {
  const isTerminal = output.isTTY === true;
  const beganAt = clock.now();
  let status = NOT_SEEN;
  let since = beganAt;
  let problem: string | undefined;

  const line = (text: string) => {
    output.write(`${isTerminal ? CLEAR_LINE : ''}${text}\n`);
  };
  const refresh = () => {
    const text = `${id}  ${status}  ${formatDuration(clock.now() - since)}`;
    output.write(`${CLEAR_LINE}${text}${problem === undefined ? '' : `  (${problem})`}`);
  };
  const remind = () => line(`${id}  still ${status} after ${formatDuration(clock.now() - since)}`);
  const timer = setInterval(isTerminal ? refresh : remind, isTerminal ? REFRESH_MS : REMINDER_MS);
  if (isTerminal) refresh();

  return {
    onSeen({ status: seen, reason, startTime }: Pick<Observation, 'status' | 'reason' | 'startTime'>): void {
      const text = oneLine(seen);
      problem = undefined;
      if (text === status) return;
      since = status === NOT_SEEN ? (startTime ?? clock.now()) : clock.now();
      status = text;
      line(`${id}  ${text}${reason === undefined ? '' : `: ${oneLine(reason)}`}`);
    },
    /** On a terminal, the status line shows the failure. Elsewhere, the first failure in a row gets a line. */
    onFailure({ outcome, message }: Pick<CallFailure, 'outcome' | 'message'>): void {
      if (outcome === 'throttled') return;
      const text = `${outcome}: ${oneLine(message)}`;
      if (!isTerminal && problem === undefined) line(`${id}  ${text}`);
      problem = text;
    },
    end(end: WaitEnd): void {
      line(endText(end, formatDuration(clock.now() - beganAt)));
    },
    /** Stops writing, so that others can. Can be called again. */
    close(): void {
      clearInterval(timer);
    },
  };
}

function endText(end: WaitEnd, waited: string): string {
  switch (end.kind) {
    case 'final': {
      const { startTime, endTime } = end.seen;
      if (startTime === undefined || endTime === undefined) return `${end.status} after a wait of ${waited}`;
      return `${end.status} after running for ${formatDuration(endTime - startTime)}`;
    }
    case 'timed_out':
      return `timed out after ${waited}; ${end.status === undefined ? 'no status was seen' : `the last status was ${end.status}`}`;
    case 'not_found':
      return `not found after ${waited}: AWS knows no such execution in this account and Region`;
    case 'broken':
      return `gave up after ${waited}`;
    case 'stopped':
      return `stopped waiting after ${waited}; the execution is not affected`;
  }
}
