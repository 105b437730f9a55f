import { Bell } from '../../runtime/bell.ts';

/** Rings at each SIGHUP, which does not end the process from now on. */
export function hangupBell(): Bell {
  const bell = new Bell();
  process.on('SIGHUP', () => bell.ring());
  return bell;
}
