import { randomInt } from 'node:crypto';
import { createCalls } from './calls.ts';
import type { Call, CallCounts } from './calls.ts';
import { DEFAULT_CHOICES } from './choices.ts';
import type { Choices } from './choices.ts';
import { createCredentials } from './credentials.ts';
import type { Role, Session } from './credentials.ts';
import { dispatch } from './dispatch.ts';
import { createExecutions } from './executions.ts';
import type { ExecutionStart, Place, RandomStart, StartedExecution } from './executions.ts';
import { createFaults } from './faults.ts';
import type { ActiveFault, Fault } from './faults.ts';
import { createImageBuilderService } from './imagebuilder-service.ts';
import { createRandom } from './random.ts';
import { createOvertaking } from './overtaking.ts';
import { listen, pause } from './server.ts';
import { createStsService } from './sts-service.ts';
import { createThrottle } from './throttle.ts';
import type { Effect, Request } from './wire.ts';

export { DEFAULT_ACCOUNT_ID, DEFAULT_REGION } from './executions.ts';
export type { Call, CallCounts, CallOutcome } from './calls.ts';
export type { ExecutionStart, Place, RandomStart, StartedExecution } from './executions.ts';
export type { Choices, UnknownIdAnswer } from './choices.ts';
export type { Role, Session } from './credentials.ts';
export type { ActiveFault, Fault, NamedFault } from './faults.ts';
export { FAULT_NAMES } from './fault-names.ts';
export type { FaultName } from './fault-names.ts';
export { KINDS } from './timeline.ts';
export type { Kind, Step, Timeline } from './timeline.ts';

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
  /** Of every account and Region, at once. Without `burst` the present one stays. */
  setRate(ratePerSecond: number, burst?: number): void;
  /** The fault's own id. RangeError for a fault that does not exist, or could not be kept. */
  addFault(fault: Fault): string;
  /** False where there is no such fault any more. */
  removeFault(id: string): boolean;
  clearFaults(): void;
  /** In the order in which they strike. */
  faults(): readonly ActiveFault[];
  /** Decides anew what AWS leaves open. What is not given stays. */
  choose(choices: Partial<Choices>): void;
  /** From now on no execution changes; answers go on. */
  freeze(): void;
  /** Each status that was reached until now, or until the freeze. RangeError for an execution that was never started. */
  history(id: string, place?: Partial<Place>): readonly { readonly status: string; readonly at: number }[];
  executions(): readonly StartedExecution[];
  calls(): readonly Call[];
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
  let choices = chosen(DEFAULT_CHOICES, options);
  const seed = options.seed ?? randomInt(2 ** 32);
  let frozenAt: number | undefined;
  const executions = createExecutions(() => frozenAt ?? now(), createRandom(seed));
  const throttle = createThrottle(ratePerSecond, burst, now);
  // Its own numbers: what is started must not depend on how often was called before.
  const faults = createFaults(createRandom(seed + 1));
  const calls = createCalls(options.onCall);
  const overtaking = createOvertaking();
  const credentials = createCredentials({ accounts, roles, sessionMs, now });
  const sts = createStsService(credentials);
  const imageBuilder = createImageBuilderService({ executions, choices: () => choices });

  const serve = async (request: Request, gone: AbortSignal): Promise<Effect> => {
    const at = now();
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
    setRate: (nextRate, nextBurst) => throttle.setRate(nextRate, nextBurst),
    addFault: (fault) => faults.add(fault),
    removeFault: (id) => faults.remove(id),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    choose(next) {
      choices = chosen(choices, next);
    },
    freeze() {
      frozenAt ??= now();
    },
    history: (id, place) => executions.history(id, place),
    executions: () => executions.all(),
    calls: () => calls.list(),
    sessions: () => credentials.sessions(),
    expireSessions: () => credentials.expireSessions(),
    counts: () => calls.counts(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** `before`, with the choices that `next` makes. */
function chosen(before: Choices, next: Partial<Choices>): Choices {
  const { unknownId = before.unknownId, errorWire = before.errorWire } = next;
  return { unknownId, errorWire };
}

function unanswered({ status: _status, ...call }: Omit<Call, 'at'>): Omit<Call, 'at'> {
  return { ...call, httpStatus: 0 };
}
