// Loaded into the daemon before its own code. Measures the delay of its event loop, and appends a line of JSON to a file every
// ten seconds and on SIGUSR2, which ends the phase `starting`. The causes are separated: the kernel counts the time that a
// thread runs and the time that it waits for a processor (https://docs.kernel.org/scheduler/sched-stats.html,
// /proc/<pid>/schedstat). The rest is time in system calls, such as waiting for the disk.
import { appendFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['LOOP_DELAY_FILE'];
if (file === undefined) throw new Error('LOOP_DELAY_FILE is not set');

const TICK_MS = 10;
const WRITE_EVERY_MS = 10_000;
/** The event loop runs in the main thread, whose id is that of the process. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;

/** Returns the milliseconds that this thread has run, and that it has waited for a processor. */
function readSchedstat() {
  const [ran = NaN, waited = NaN] = readFileSync(SCHEDSTAT, 'utf8').split(' ').map(Number);
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
}

interface Turn {
  readonly lateMs: number;
  readonly ranMs: number;
  readonly waitedMs: number;
}

let lastTick = performance.now();
let last = readSchedstat();
let writtenTick = lastTick;
let turns: Turn[] = [];
let phase: 'starting' | 'running' = 'starting';

const turn = () => {
  const tick = performance.now();
  const now = readSchedstat();
  turns.push({
    lateMs: Math.max(0, tick - lastTick - TICK_MS),
    ranMs: now.ranMs - last.ranMs,
    waitedMs: now.waitedMs - last.waitedMs,
  });
  lastTick = tick;
  last = now;
  if (tick - writtenTick >= WRITE_EVERY_MS) write(tick);
  // Not an interval, because an interval catches up after a delay.
  setTimeout(turn, TICK_MS).unref();
};

function write(tick: number): void {
  const most = (pick: (turn: Turn) => number) => Math.max(0, ...turns.map(pick));
  const sorted = turns.map(({ lateMs }) => lateMs).toSorted((a, b) => a - b);
  const entry = {
    phase,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    mostMs: most(({ lateMs }) => lateMs),
    mostOwnMs: most(({ lateMs, waitedMs }) => lateMs - waitedMs),
    mostRunMs: most(({ lateMs, ranMs }) => Math.min(lateMs, ranMs)),
  };
  appendFileSync(file ?? '', `${JSON.stringify(entry)}\n`);
  writtenTick = tick;
  turns = [];
}

// Threads of the daemon load this file, too.
if (isMainThread) {
  setTimeout(turn, TICK_MS).unref();
  process.once('exit', () => write(performance.now()));
  process.once('SIGUSR2', () => {
    write(performance.now());
    phase = 'running';
  });
}
