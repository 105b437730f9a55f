// Loaded into the daemon before its own code. Shifts the wall clock by a number of milliseconds read from a file, at the start
// and on each SIGUSR2. The monotonic clock and timers are not affected, as with a real step of the clock.
import { readFileSync } from 'node:fs';

const file = process.env['SHIFTED_CLOCK_FILE'];
if (file === undefined) throw new Error('SHIFTED_CLOCK_FILE is not set');

const RealDate = Date;
let offsetMs = 0;
const readOffset = () => {
  offsetMs = Number(readFileSync(file, 'utf8'));
};
const now = () => RealDate.now() + offsetMs;

readOffset();
process.on('SIGUSR2', readOffset);
globalThis.Date = new Proxy(RealDate, {
  construct: (real, args, newTarget) =>
    Reflect.construct(real, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (real, key, receiver) => (key === 'now' ? now : (Reflect.get(real, key, receiver) as unknown)),
});
