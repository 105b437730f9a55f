import { randomInt } from 'node:crypto';
import { createCalls } from './calls.ts';
import type { Call, CallCounts, CallDetails } from './calls.ts';
import { choose, DEFAULT_CHOICES } from './choices.ts';
import type { Choices } from './choices.ts';
import { createCredentials } from './credentials.ts';
import type { Role, Session } from './credentials.ts';
import { dispatch } from './dispatch.ts';
import { createExecutions } from './executions.ts';
import type {
  ExecutionRecord,
  ExecutionStart,
  RandomStart,
  SeenImage,
  StartedExecution,
} from './execution.ts';
import { createFaults } from './faults.ts';
import type { ActiveFault, Fault } from './faults.ts';
import { cancelOf } from './execution-operations.ts';
import { createImageBuilderService } from './imagebuilder-service.ts';
import { createPages } from './pages.ts';
import { keyOf, placeOf } from './place.ts';
import type { Place } from './place.ts';
import { createPolicies } from './policies.ts';
import type { PolicyNow, PolicyStart } from './policies.ts';
import { createRandom } from './random.ts';
import { createOvertaking } from './overtaking.ts';
import { createRepeats } from './repeats.ts';
import { listen, pause } from './server.ts';
import { createStsService } from './sts-service.ts';
import { createThrottle } from './throttle.ts';
import { createTime } from './time.ts';
import { startUpdate } from './updates.ts';
import type { UpdateStart } from './updates.ts';
import type { Effect, Request } from './wire.ts';

export type { Call, CallCounts, CallOutcome } from './calls.ts';
export { CHOICE_LISTS } from './choices.ts';
export type { Choices, UnknownIdAnswer } from './choices.ts';
export type { Role, Session } from './credentials.ts';
export type {
  ExecutionRecord,
  ExecutionStart,
  RandomStart,
  SeenImage,
  StartedExecution,
} from './execution.ts';
export { FAULT_NAMES, faultKind } from './fault-names.ts';
export type { FaultName } from './fault-names.ts';
export { checkFault, OPERATIONS } from './faults.ts';
export type { ActiveFault, Fault, NamedFault } from './faults.ts';
export { DEFAULT_ACCOUNT_ID, DEFAULT_REGION, placeOf, policyArnOf } from './place.ts';
export type { Place } from './place.ts';
export type { PolicyNow, PolicyRuns, PolicyStart } from './policies.ts';
export { RESOURCE_ACTIONS, RESOURCE_ENDS } from './resources.ts';
export type { ResourceGroup } from './resources.ts';
export { checkTimeline, KINDS, UNPUBLISHED_STATUS } from './timeline.ts';
export type { Kind, Step, Timeline } from './timeline.ts';
export type { UpdateStart } from './updates.ts';
export { WIRE_FORMS } from './wire.ts';

export interface SimulatorOptions extends Partial<Choices> {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** Image Builder's budget for each account and Region. Default: 20, of which 20 at once. */
  readonly ratePerSecond?: number;
  readonly burst?: number;
  /** Accounts by access key; other keys are refused. Default: every key belongs to `DEFAULT_ACCOUNT_ID`. */
  readonly accounts?: Readonly<Record<string, string>>;
  /** Those that may be assumed. Default: every role, without an externalId. */
  readonly roles?: readonly Role[];
  /** How long temporary credentials live. Default: what the caller asks for, else an hour. */
  readonly sessionMs?: number;
  /** The same seed gives the same random ids, timelines and chances. */
  readonly seed?: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** How long every answer is held back after it was decided upon. Default: 0. */
  readonly latencyMs?: number;
  /** Told of each call once it is decided upon, right before its answer goes out. Must not throw. */
  readonly onCall?: (call: Call) => void;
}

export interface Simulator extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Starts a scripted execution and gives its id. RangeError for a broken id, ARN or timeline, or a taken id. */
  start(start: ExecutionStart): string;
  /** Starts random executions; without `kind` each kind in turn. */
  startRandom(start: RandomStart): readonly string[];
  /** Starts the update of an image, as StartResourceStateUpdate does. RangeError as for `start`. */
  startUpdate(start: UpdateStart): string;
  /**
   * Cancels as CancelLifecycleExecution does. False where it has ended, or is being cancelled. RangeError for an execution
   * that was never started.
   */
  cancel(id: string, place?: Partial<Place>): boolean;
  /** Gives the policy's ARN. RangeError for one that breaks the model, or whose name is taken. */
  addPolicy(policy: PolicyStart): string;
  /** Of a place, those included that executions name. */
  policies(place?: Partial<Place>): readonly PolicyNow[];
  /** At once, of one place or of all. Without `burst` the present one stays. */
  setRate(ratePerSecond: number, burst?: number, place?: Partial<Place>): void;
  /** The fault's own id. RangeError for a fault that does not exist, or could not be kept. */
  addFault(fault: Fault): string;
  /** False where there is no such fault any more. */
  removeFault(id: string): boolean;
  clearFaults(): void;
  /** In the order in which they strike. */
  faults(): readonly ActiveFault[];
  /** Decides anew what AWS leaves open. What is not given stays. */
  choose(choices: Partial<Choices>): void;
  choices(): Choices;
  /** From now on no execution changes; answers go on. */
  freeze(): void;
  /** Executions go on where they were frozen. */
  thaw(): void;
  isFrozen(): boolean;
  /** Each status that was reached until now, or until the freeze. RangeError for an execution that was never started. */
  history(id: string, place?: Partial<Place>): readonly { readonly status: string; readonly at: number }[];
  executions(): readonly StartedExecution[];
  /** What is true of an execution; undefined where it was never started. */
  record(id: string, place?: Partial<Place>): ExecutionRecord | undefined;
  /** The first `limit` after a sequence, in the order in which they were started. */
  records(after: number, limit: number): readonly ExecutionRecord[];
  /** What an execution has done to its images until now. RangeError for one that was never started. */
  images(id: string, place?: Partial<Place>): readonly SeenImage[];
  /** The latest 100,000 at least, in the order in which they were answered. */
  calls(): readonly Call[];
  /** Of these, the first `limit` after a sequence. */
  callsAfter(sequence: number, limit: number): readonly Call[];
  /** Temporary credentials that were given out. */
  sessions(): readonly Session[];
  /** Those that were given out so far are expired from now on. */
  expireSessions(): void;
  counts(): CallCounts;
}

/**
 * Starts a stand-in for EC2 Image Builder and STS on one port. It follows AWS's published model. Rejects with Node's
 * error where the address cannot be listened on.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port: wantedPort = 0, ratePerSecond = 20, burst = 20 } = options;
  const { accounts, roles, sessionMs, now = Date.now, latencyMs = 0 } = options;
  let choices = choose(DEFAULT_CHOICES, options);
  const seed = options.seed ?? randomInt(2 ** 32);
  const time = createTime(now);
  const random = createRandom(seed);
  const executions = createExecutions(time, random);
  const policies = createPolicies(executions, time, () => choices);
  const throttle = createThrottle(ratePerSecond, burst, now);
  // Its own numbers: what is started must not depend on how often was called before.
  const faults = createFaults(createRandom(seed + 1), now);
  const calls = createCalls(options.onCall);
  const overtaking = createOvertaking();
  const credentials = createCredentials({ accounts, roles, sessionMs, now });
  const sts = createStsService(credentials);
  const world = {
    executions,
    policies,
    pages: createPages(() => choices),
    repeats: createRepeats(),
    time,
    random: createRandom(seed + 2),
    choices: () => choices,
  };
  const imageBuilder = createImageBuilderService(world);

  const serve = async (request: Request, gone: AbortSignal): Promise<Effect> => {
    const at = now();
    policies.catchUp();
    const verdict = dispatch(request, { imageBuilder, sts, credentials, throttle, faults, now });
    const { call, effect, delayMs, overtakenWithinMs } = verdict;
    await pause(latencyMs + delayMs, gone);
    if (overtakenWithinMs !== undefined) await overtaking.wait(call.executionId, overtakenWithinMs, gone);
    else overtaking.answered(call.executionId);
    calls.record({ at, ...(gone.aborted ? unanswered(call) : call) });
    return effect;
  };

  const server = await listen(host, wantedPort, serve);
  const { port } = server;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    start: (start) => executions.start(start),
    startRandom: (start) => executions.startRandom(start),
    startUpdate: (start) => startUpdate(executions, start, random),
    cancel: (id, place = {}) => executions.cancel(id, place, cancelOf(choices, world.random)),
    addPolicy: (policy) => policies.add(policy),
    policies(place = {}) {
      policies.catchUp();
      return policies.listed(placeOf(place));
    },
    setRate: (nextRate, nextBurst, place) =>
      throttle.setRate(nextRate, nextBurst, place && keyOf('', placeOf(place))),
    addFault: (fault) => faults.add(fault),
    removeFault: (id) => faults.remove(id),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    choose(next) {
      choices = choose(choices, next);
    },
    choices: () => choices,
    freeze() {
      policies.catchUp();
      time.freeze();
    },
    thaw: () => time.thaw(),
    isFrozen: () => time.isFrozen,
    history: (id, place) => executions.history(id, place),
    executions() {
      policies.catchUp();
      return executions.all();
    },
    record(id, place = {}) {
      policies.catchUp();
      return executions.record(id, placeOf(place));
    },
    records(after, limit) {
      policies.catchUp();
      return executions.records(after, limit);
    },
    images: (id, place = {}) => executions.images(id, placeOf(place)),
    calls: () => calls.list(),
    callsAfter: (sequence, limit) => calls.after(sequence, limit),
    sessions: () => credentials.sessions(),
    expireSessions: () => credentials.expireSessions(),
    counts: () => calls.counts(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function unanswered({
  status: _status,
  shown: _shown,
  ...call
}: Omit<CallDetails, 'at'>): Omit<CallDetails, 'at'> {
  return { ...call, httpStatus: 0 };
}
