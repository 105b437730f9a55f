import type { CallDetails } from './calls.ts';
import type { Credentials } from './credentials.ts';
import type { Faults } from './faults.ts';
import { keyOf } from './place.ts';
import { alteredBy, instead, waitOf } from './struck.ts';
import { isQueryProtocol } from './sts-service.ts';
import type { Throttle } from './throttle.ts';
import type { Caller, Effect, Reply, Request, Service } from './wire.ts';

/** What is done with a request: its effect, after a wait, and what is told of it. */
export interface Verdict {
  readonly call: Omit<CallDetails, 'at'>;
  readonly effect: Effect;
  readonly delayMs: number;
  /** The answer waits until a later call about the same execution has been answered, or so long. */
  readonly overtakenWithinMs?: number;
}

export interface Gate {
  readonly imageBuilder: Service;
  readonly sts: Service;
  readonly credentials: Credentials;
  readonly throttle: Throttle;
  readonly faults: Faults;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const LONGEST_NAME = 100;
const NOBODY: Caller = { accessKeyId: '', accountId: '', region: '', arn: '' };

/** Decides upon a request in this order: operation, credential, faults, rate, input, and the operation itself. */
export function dispatch(request: Request, gate: Gate): Verdict {
  const { imageBuilder, sts, credentials, throttle, faults, now } = gate;
  const service = isQueryProtocol(request) ? sts : imageBuilder;
  const operation = service.operationOf(request);
  if (operation === undefined) {
    const answer = service.errorAnswer(service.unknownOperation(request));
    const name = `${request.method} ${request.path}`.slice(0, LONGEST_NAME);
    return answered({ outcome: 'rejected', answer }, name, NOBODY);
  }
  const { refusal, caller } = credentials.identify(request.headers, service.signingName);
  if (refusal !== undefined) {
    const answer = service.errorAnswer(service.refusal(refusal));
    return answered({ outcome: 'denied', answer }, operation, caller);
  }
  const executionId = service.executionIdOf(operation, request);
  const ordinary = (view = {}): Reply => {
    const mayPass = !service.isThrottled || throttle.take(keyOf('', caller));
    if (mayPass) return service.run(operation, request, caller, view);
    return { outcome: 'throttled', answer: service.errorAnswer(service.throttled()) };
  };

  const struck = faults.find({ operation, executionId, ...caller });
  if (struck === undefined) return answered(ordinary(), operation, caller);
  const { effect, name: fault } = struck;
  const replacement = instead(effect, service, now);
  if (replacement !== undefined) {
    struck.use();
    const httpStatus = typeof replacement === 'string' ? 0 : replacement.httpStatus;
    const about = executionId === undefined ? {} : { executionId };
    const call = { operation, ...toldOf(caller), ...about, outcome: 'fault', httpStatus, fault } as const;
    return { call, effect: replacement, delayMs: 0 };
  }
  const reply = ordinary(effect.kind === 'view' ? effect.view : {});
  const altered = alteredBy(effect, reply, service, operation);
  if (altered === undefined) return answered(reply, operation, caller);
  struck.use();
  const { call, ...verdict } = answered(altered, operation, caller);
  return { ...verdict, call: { ...call, fault }, ...waitOf(effect) };
}

function answered({ answer, ...told }: Reply, operation: string, caller: Caller): Verdict {
  const { httpStatus } = answer;
  return { call: { operation, ...toldOf(caller), ...told, httpStatus }, effect: answer, delayMs: 0 };
}

function toldOf({ accountId, region, accessKeyId, arn }: Caller) {
  return { accountId, region, accessKeyId, callerArn: arn };
}
