// Loaded into the daemon before its own code. Counts how often its event loop stands still for longer than 30 ms, and appends
// a line of JSON to a file on each SIGUSR2 and at the end, for the time since the previous line. The time that the thread waits
// for a processor is counted separately, because the machine causes it. The kernel provides it
// (https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat).
import { appendFileSync, openSync, readSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * The stops between two lines. Lengths are in milliseconds. The length of a stop is the delay of a timer, which is a lower
 * bound: the timer may have been due up to one tick after the stop began.
 */
export interface LoopStops {
  readonly seconds: number;
  readonly stops: number;
  /** Stops that are longer than the limit even without the time waiting for a processor. */
  readonly ownStops: number;
  /** Pauses between two ticks that are longer than the limit. They include stops that may be shorter by one tick. */
  readonly pauses: number;
  readonly longestMs: number;
  readonly longestOwnMs: number;
}

const TICK_MS = 5;
const STOP_MS = 30;

function measure(file: string): void {
  // The event loop runs in the main thread, whose id is that of the process. Kept open, because it is read at each tick.
  const schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const buffer = Buffer.alloc(128);
  /** Returns the milliseconds that this thread has waited for a processor. */
  const waited = () => {
    const length = readSync(schedstat, buffer, 0, buffer.length, 0);
    return Number(buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  };

  let writtenTick = performance.now();
  let lastTick = writtenTick;
  let lastWaitedMs = waited();
  let [stops, ownStops, pauses, longestMs, longestOwnMs] = [0, 0, 0, 0, 0];

  const turn = () => {
    const tick = performance.now();
    const waitedMs = waited();
    const lateMs = Math.max(0, tick - lastTick - TICK_MS);
    const ownMs = Math.max(0, lateMs - (waitedMs - lastWaitedMs));
    if (lateMs > STOP_MS) stops += 1;
    if (ownMs > STOP_MS) ownStops += 1;
    if (tick - lastTick > STOP_MS) pauses += 1;
    longestMs = Math.max(longestMs, lateMs);
    longestOwnMs = Math.max(longestOwnMs, ownMs);
    lastTick = tick;
    lastWaitedMs = waitedMs;
    // Not an interval, because an interval catches up after a delay.
    setTimeout(turn, TICK_MS).unref();
  };
  const write = () => {
    const tick = performance.now();
    const seconds = (tick - writtenTick) / 1000;
    const entry: LoopStops = { seconds, stops, ownStops, pauses, longestMs, longestOwnMs };
    appendFileSync(file, `${JSON.stringify(entry)}\n`);
    writtenTick = tick;
    [stops, ownStops, pauses, longestMs, longestOwnMs] = [0, 0, 0, 0, 0];
  };

  setTimeout(turn, TICK_MS).unref();
  process.on('SIGUSR2', write);
  process.once('exit', write);
}

// Threads load this file too, but have event loops of their own.
if (isMainThread) {
  const file = process.env['LOOP_STOPS_FILE'];
  if (file === undefined) throw new Error('LOOP_STOPS_FILE is not set');
  measure(file);
}
