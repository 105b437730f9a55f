// Loaded into the daemon before its own code. It counts how often its event loop stood still for longer than 30 ms, and
// appends a line of JSON to a file at each SIGUSR2 and at the end, about the time since the line before. The time that the
// thread waited for a processor is told apart, because that is the machine's doing: the kernel counts it
// (https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat).
import { appendFileSync, openSync, readSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * What happened between two lines. All lengths are in milliseconds. A stop is as long as a timer is late, which is the part
 * that is certain: the timer may have had to wait for up to a tick in any case.
 */
export interface LoopStops {
  readonly seconds: number;
  readonly stops: number;
  /** Stops that last longer than the limit without waiting for a processor, too. */
  readonly ownStops: number;
  /** Pauses between two ticks that are longer than the limit: stops, and such that may have been shorter by a tick. */
  readonly pauses: number;
  readonly longestMs: number;
  readonly longestOwnMs: number;
}

const TICK_MS = 5;
const STOP_MS = 30;

function measure(file: string): void {
  // The loop runs in the main thread, whose number is the process's. Kept open, because it is read at each tick.
  const schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const buffer = Buffer.alloc(128);
  /** Milliseconds for which this thread could have run and had no processor. */
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
    // Not an interval, which makes up for what was late.
    setTimeout(turn, TICK_MS).unref();
  };
  const write = () => {
    const tick = performance.now();
    const seconds = (tick - writtenTick) / 1000;
    const told: LoopStops = { seconds, stops, ownStops, pauses, longestMs, longestOwnMs };
    appendFileSync(file, `${JSON.stringify(told)}\n`);
    writtenTick = tick;
    [stops, ownStops, pauses, longestMs, longestOwnMs] = [0, 0, 0, 0, 0];
  };

  setTimeout(turn, TICK_MS).unref();
  process.on('SIGUSR2', write);
  process.once('exit', write);
}

// Threads load it too, and have event loops of their own.
if (isMainThread) {
  const file = process.env['LOOP_STOPS_FILE'];
  if (file === undefined) throw new Error('LOOP_STOPS_FILE is not set');
  measure(file);
}
