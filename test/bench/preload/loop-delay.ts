// Loaded into the daemon before its own code: measures how late its event loop turns, and appends a line of JSON to a
// file every ten seconds. What the machine's other work cost is told apart: while a runnable thread waits for a processor
// the kernel counts that (https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat).
import { appendFileSync, readFileSync } from 'node:fs';

const file = process.env['LOOP_DELAY_FILE'];
if (file === undefined) throw new Error('LOOP_DELAY_FILE is not set');

const TICK_MS = 10;
const WRITE_EVERY_MS = 10_000;
/** The loop runs in the main thread, whose number is the process's. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;

/** Milliseconds for which this thread was ready to run and had no processor. */
function waitedMs(): number {
  return Number(readFileSync(SCHEDSTAT, 'utf8').split(' ')[1]) / 1e6;
}

let lastTick = performance.now();
let lastWaitedMs = waitedMs();
let writtenTick = lastTick;
let late: number[] = [];
let mostMs = 0;
let mostOwnMs = 0;

const turn = () => {
  const tick = performance.now();
  const waited = waitedMs();
  const lateMs = Math.max(0, tick - lastTick - TICK_MS);
  late.push(lateMs);
  mostMs = Math.max(mostMs, lateMs);
  mostOwnMs = Math.max(mostOwnMs, lateMs - (waited - lastWaitedMs));
  lastTick = tick;
  lastWaitedMs = waited;
  if (tick - writtenTick >= WRITE_EVERY_MS) write(tick);
  // Not an interval, which makes up for what was late.
  setTimeout(turn, TICK_MS).unref();
};

function write(tick: number): void {
  const sorted = late.toSorted((a, b) => a - b);
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  appendFileSync(file ?? '', `${JSON.stringify({ pid: process.pid, p99Ms, mostMs, mostOwnMs })}\n`);
  writtenTick = tick;
  late = [];
  mostMs = 0;
  mostOwnMs = 0;
}

setTimeout(turn, TICK_MS).unref();
process.once('exit', () => write(performance.now()));
