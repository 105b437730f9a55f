// Loaded into the daemon before its own code: measures how late its event loop turns, and appends a line of JSON to a
// file every ten seconds, and at SIGUSR2, which ends the phase `starting`. What held it up is told apart: while a thread that could run waits for a processor the kernel
// counts that, and what it ran (https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat); the rest is
// waiting in system calls, such as for the disk.
import { appendFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['LOOP_DELAY_FILE'];
if (file === undefined) throw new Error('LOOP_DELAY_FILE is not set');

const TICK_MS = 10;
const WRITE_EVERY_MS = 10_000;
/** The loop runs in the main thread, whose number is the process's. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;

/** Milliseconds that this thread ran, and for which it could have and had no processor. */
function scheduled() {
  const [ran = NaN, waited = NaN] = readFileSync(SCHEDSTAT, 'utf8').split(' ').map(Number);
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
}

interface Turn {
  readonly lateMs: number;
  readonly ranMs: number;
  readonly waitedMs: number;
}

let lastTick = performance.now();
let last = scheduled();
let writtenTick = lastTick;
let turns: Turn[] = [];
let phase: 'starting' | 'running' = 'starting';

const turn = () => {
  const tick = performance.now();
  const now = scheduled();
  turns.push({
    lateMs: Math.max(0, tick - lastTick - TICK_MS),
    ranMs: now.ranMs - last.ranMs,
    waitedMs: now.waitedMs - last.waitedMs,
  });
  lastTick = tick;
  last = now;
  if (tick - writtenTick >= WRITE_EVERY_MS) write(tick);
  // Not an interval, which makes up for what was late.
  setTimeout(turn, TICK_MS).unref();
};

function write(tick: number): void {
  const most = (pick: (turn: Turn) => number) => Math.max(0, ...turns.map(pick));
  const sorted = turns.map(({ lateMs }) => lateMs).toSorted((a, b) => a - b);
  const told = {
    phase,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    mostMs: most(({ lateMs }) => lateMs),
    mostOwnMs: most(({ lateMs, waitedMs }) => lateMs - waitedMs),
    mostRunMs: most(({ lateMs, ranMs }) => Math.min(lateMs, ranMs)),
  };
  appendFileSync(file ?? '', `${JSON.stringify(told)}\n`);
  writtenTick = tick;
  turns = [];
}

// It is loaded into the threads of the daemon, too.
if (isMainThread) {
  setTimeout(turn, TICK_MS).unref();
  process.once('exit', () => write(performance.now()));
  process.once('SIGUSR2', () => {
    write(performance.now());
    phase = 'running';
  });
}
