import { Bell } from '../../runtime/bell.ts';

/** Rings at each SIGHUP, which then no longer ends the process. */
export function hangupBell(): Bell {
  const bell = new Bell();
  process.on('SIGHUP', () => bell.ring());
  return bell;
}
