import type { Call, CallCounts } from './call-log.ts';
import type { Choices } from './choices.ts';
import type { Session } from './credentials.ts';
import type {
  ExecutionRecord,
  ExecutionStart,
  RandomStart,
  SeenImage,
  StartedExecution,
} from './execution.ts';
import { cancelOf } from './execution-operations.ts';
import type { ActiveFault, Fault } from './faults.ts';
import type { SimulatorParts } from './parts.ts';
import { keyOf, placeOf } from './place.ts';
import type { Place } from './place.ts';
import type { PolicyNow, PolicyStart } from './policies.ts';
import { startUpdate } from './start-update.ts';
import type { UpdateStart } from './start-update.ts';

/** Everything that a test or an operator can see and change while the simulator runs. */
export interface Controls {
  /** Starts a scripted execution and returns its id. Throws a RangeError for a broken id, ARN or timeline, or a taken id. */
  start(start: ExecutionStart): string;
  /** Starts random executions. Without `kind`, they take each kind in turn. */
  startRandom(start: RandomStart): readonly string[];
  /** Starts the update of an image, as StartResourceStateUpdate does. Throws a RangeError like `start`. */
  startUpdate(start: UpdateStart): string;
  /**
   * Cancels as CancelLifecycleExecution does. Returns false if the execution has ended or is being cancelled. Throws a
   * RangeError if it was never started.
   */
  cancel(id: string, place?: Partial<Place>): boolean;
  /** Returns the policy's ARN. Throws a RangeError if the policy breaks the model or its name is taken. */
  addPolicy(policy: PolicyStart): string;
  /** Returns the policies of a place, including those that executions name. */
  policies(place?: Partial<Place>): readonly PolicyNow[];
  /** Takes effect at once, for one place or for all. Without `burst` the present one is kept. */
  setRate(ratePerSecond: number, burst?: number, place?: Partial<Place>): void;
  /** Returns the fault's id. Throws a RangeError if the fault does not exist or its members are out of range. */
  addFault(fault: Fault): string;
  /** Returns false if there is no such fault, or no longer. */
  removeFault(id: string): boolean;
  clearFaults(): void;
  /** Returns the active faults in the order in which they are tried. */
  faults(): readonly ActiveFault[];
  /** Changes the given choices and keeps the others. */
  choose(choices: Partial<Choices>): void;
  choices(): Choices;
  /** Stops the course of all executions. Calls are still answered. */
  freeze(): void;
  /** Lets executions continue where they were frozen. */
  thaw(): void;
  isFrozen(): boolean;
  /** Returns each status reached until now, or until the freeze. Throws a RangeError if the execution was never started. */
  history(id: string, place?: Partial<Place>): readonly { readonly status: string; readonly at: number }[];
  executions(): readonly StartedExecution[];
  /** Returns the true state of an execution, or undefined if it was never started. */
  record(id: string, place?: Partial<Place>): ExecutionRecord | undefined;
  /** Returns the first `limit` records after a sequence, in the order in which the executions were started. */
  records(after: number, limit: number): readonly ExecutionRecord[];
  /** Returns the images that an execution has reached. Throws a RangeError if it was never started. */
  images(id: string, place?: Partial<Place>): readonly SeenImage[];
  /** Returns at least the latest 100,000 calls, in the order in which they were answered. */
  calls(): readonly Call[];
  /** Returns the first `limit` of these calls after a sequence. */
  callsAfter(sequence: number, limit: number): readonly Call[];
  /** Returns the temporary credentials that were issued. */
  sessions(): readonly Session[];
  /** Expires all temporary credentials that were issued so far. */
  expireSessions(): void;
  counts(): CallCounts;
}

/** Returns the controls of a simulator. Policies start the runs that are due before their executions are shown. */
export function createControls({
  world,
  random,
  credentials,
  throttle,
  faults,
  calls,
  choose,
}: SimulatorParts): Controls {
  const { policies, time, choices } = world;
  const caughtUp = () => {
    policies.catchUp();
    return world.executions;
  };
  return {
    start: (start) => world.executions.start(start),
    startRandom: (start) => world.executions.startRandom(start),
    startUpdate: (start) => startUpdate(world.executions, start, random),
    cancel: (id, place = {}) => world.executions.cancel(id, place, cancelOf(choices(), world.random)),
    addPolicy: (policy) => policies.add(policy),
    policies(place = {}) {
      policies.catchUp();
      return policies.listed(placeOf(place));
    },
    setRate: (ratePerSecond, burst, place) =>
      throttle.setRate(ratePerSecond, burst, place && keyOf('', placeOf(place))),
    addFault: (fault) => faults.add(fault),
    removeFault: (id) => faults.remove(id),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    choose,
    choices,
    freeze() {
      policies.catchUp();
      time.freeze();
    },
    thaw: () => time.thaw(),
    isFrozen: () => time.isFrozen,
    history: (id, place) => world.executions.history(id, place),
    executions: () => caughtUp().all(),
    record: (id, place = {}) => caughtUp().record(id, placeOf(place)),
    records: (after, limit) => caughtUp().records(after, limit),
    images: (id, place = {}) => world.executions.images(id, placeOf(place)),
    calls: () => calls.list(),
    callsAfter: (sequence, limit) => calls.after(sequence, limit),
    sessions: () => credentials.sessions(),
    expireSessions: () => credentials.expireSessions(),
    counts: () => calls.counts(),
  };
}
