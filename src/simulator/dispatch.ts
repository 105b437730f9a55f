import type { CallDetails } from './call-log.ts';
import type { Credentials } from './credentials.ts';
import type { Faults } from './faults.ts';
import { keyOf } from './place.ts';
import { defined } from './defined.ts';
import { alterReply, delaysOf, replacementFor } from './fault-answers.ts';
import { isQueryProtocol } from './sts-service.ts';
import type { Throttle } from './throttle.ts';
import type { Caller, Effect, Reply, Request, Service } from './wire.ts';

/** The decision upon a request: its effect, the delay before it, and the entry for the call log. */
export interface Verdict {
  readonly call: Omit<CallDetails, 'at'>;
  readonly effect: Effect;
  readonly delayMs: number;
  /** The answer waits until a later call about the same execution has been answered, but no longer than this. */
  readonly overtakenWithinMs?: number;
}

export interface DispatchParts {
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

/** Decides upon a request. Checks come in this order: operation, credential, faults, rate, input, the operation itself. */
export function dispatch(request: Request, parts: DispatchParts): Verdict {
  const { imageBuilder, sts, credentials, throttle, faults, now } = parts;
  const service = isQueryProtocol(request) ? sts : imageBuilder;
  const operation = service.operationOf(request);
  if (operation === undefined) {
    const answer = service.errorAnswer(service.unknownOperation(request));
    const name = `${request.method} ${request.path}`.slice(0, LONGEST_NAME);
    return answered({ outcome: 'rejected', answer }, name, NOBODY);
  }
  const { refusal, caller } = credentials.identify(request, service.signingName);
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
  const replacement = replacementFor(effect, service, now);
  if (replacement !== undefined) {
    struck.use();
    const httpStatus = typeof replacement === 'string' ? 0 : replacement.httpStatus;
    const outcome = 'fault';
    const call = defined({
      operation,
      ...callerMembers(caller),
      executionId,
      outcome,
      httpStatus,
      fault,
    } as const);
    return { call, effect: replacement, delayMs: 0 };
  }
  const reply = ordinary(effect.kind === 'view' ? effect.view : {});
  const altered = alterReply(effect, reply, service, operation);
  if (altered === undefined) return answered(reply, operation, caller);
  struck.use();
  const { call, ...verdict } = answered(altered, operation, caller);
  return { ...verdict, call: { ...call, fault }, ...delaysOf(effect) };
}

function answered({ answer, ...reply }: Reply, operation: string, caller: Caller): Verdict {
  const { httpStatus } = answer;
  const call = defined({ operation, ...callerMembers(caller), ...reply, httpStatus });
  return { call, effect: answer, delayMs: 0 };
}

function callerMembers({ accountId, region, accessKeyId, arn }: Caller) {
  return { accountId, region, accessKeyId, callerArn: arn };
}
