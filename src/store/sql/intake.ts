import type { Intake } from '../../registration/intake.ts';
import type { Clock } from '../../runtime/clock.ts';
import { grouped } from '../../runtime/grouped.ts';
import type { Database } from './database.ts';
import { registerAll, removeExecution } from './registrations.ts';
import type { RegisterCall } from './registrations.ts';

/** Registrations in one transaction, which takes some 15 ms. A single call may have more. */
const MOST_REGISTERED = 250;

export function createIntake(database: Database, clock: Clock): Intake {
  const register = grouped({
    most: MOST_REGISTERED,
    sizeOf: ({ registrations }: RegisterCall) => registrations.length,
    run: (calls) => database.publish((db) => registerAll(db, calls, clock.steadyNow())),
  });
  return {
    register: (registrations, at) => register({ registrations, at }),
    remove: (key, at) => database.write((db) => removeExecution(db, key, at)),
  };
}
