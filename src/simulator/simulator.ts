import type { CallDetails } from './call-log.ts';
import type { Choices } from './choices.ts';
import { createControls } from './controls.ts';
import type { Controls } from './controls.ts';
import { dispatch } from './dispatch.ts';
import type { SimulatorOptions } from './options.ts';
import { createOvertakenAnswers } from './overtaken-answers.ts';
import { createParts } from './parts.ts';
import type { SimulatorParts } from './parts.ts';
import { listen, pause } from './server.ts';
import type { Serving } from './server.ts';
import type { Answer } from './wire.ts';

export type { Call, CallCounts, CallOutcome } from './call-log.ts';
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
export { FAULT_NAMES, faultKind } from './named-faults.ts';
export type { FaultName } from './named-faults.ts';
export { checkFault, OPERATIONS } from './faults.ts';
export type { ActiveFault, Fault, NamedFault } from './faults.ts';
export { DEFAULT_ACCOUNT_ID, DEFAULT_REGION, placeOf, policyArnOf } from './place.ts';
export type { Place } from './place.ts';
export type { PolicyNow, PolicyRuns, PolicyStart } from './policies.ts';
export { RESOURCE_ACTIONS, RESOURCE_ENDS } from './resources.ts';
export type { ResourceGroup } from './resources.ts';
export { checkTimeline, KINDS, UNPUBLISHED_STATUS } from './timeline.ts';
export type { Kind, Step, Timeline } from './timeline.ts';
export type { UpdateStart } from './start-update.ts';
export type { SimulatorOptions } from './options.ts';
export { WIRE_FORMS } from './wire.ts';

export interface Simulator extends Controls, AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/**
 * Starts a stand-in for EC2 Image Builder and STS on one port. It follows AWS's published model. Rejects with Node's error if
 * the server cannot listen on the address.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port: wantedPort = 0, latencyMs = 0 } = options;
  const parts = createParts(options);
  const server = await listen(host, wantedPort, createServing(parts, latencyMs));
  const { port } = server;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    ...createControls(parts),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function createServing(parts: SimulatorParts, latencyMs: number): Serving {
  const { world, calls, now } = parts;
  const overtakenAnswers = createOvertakenAnswers();
  return async (request, gone) => {
    const at = now();
    world.policies.catchUp();
    const { call, effect, delayMs, overtakenWithinMs } = dispatch(request, parts);
    await pause(latencyMs + delayMs, gone);
    if (overtakenWithinMs === undefined) overtakenAnswers.release(call.executionId);
    else await overtakenAnswers.hold(call.executionId, overtakenWithinMs, gone);
    calls.record({ at, ...(gone.aborted ? unanswered(call) : call) });
    return typeof effect === 'string' ? effect : dated(effect, now(), world.choices());
  };
}

function dated({ headers, ...answer }: Answer, now: number, { dateHeader, dateShiftMs }: Choices): Answer {
  const date = dateHeader === 'sent' && { date: new Date(now + dateShiftMs).toUTCString() };
  return { ...answer, headers: { ...date, ...headers } };
}

type Unanswered = Omit<CallDetails, 'at'>;

function unanswered({ status: _status, shown: _shown, ...call }: Unanswered): Unanswered {
  return { ...call, httpStatus: 0 };
}
