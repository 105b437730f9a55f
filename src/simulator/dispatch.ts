import type { Call } from './calls.ts';
import { DEFAULT_ACCOUNT_ID } from './executions.ts';
import type { FaultEffect, Faults } from './faults.ts';
import { readSignature } from './signature.ts';
import type { Refusal } from './signature.ts';
import { isQueryProtocol, stsService } from './sts-service.ts';
import type { Throttle } from './throttle.ts';
import type { Answer, Caller, Reply, Request, Service } from './wire.ts';

/** What the caller meets. */
export type Effect = Answer | 'reset' | 'hang';

/** What is done with a request: its effect, after a delay, and what is told of it. */
export interface Verdict {
  readonly call: Omit<Call, 'at'>;
  readonly effect: Effect;
  readonly delayMs: number;
}

export interface Gate {
  readonly imageBuilder: Service;
  /** Accounts by access key; undefined: every key belongs to the default account. */
  readonly accounts: Readonly<Record<string, string>> | undefined;
  readonly throttle: Throttle;
  readonly faults: Faults;
}

const LONGEST_NAME = 100;
const NOBODY: Caller = { accessKeyId: '', accountId: '', region: '' };

/** Decides upon a request in this order: operation, credential, faults, rate, input, and the operation itself. */
export function dispatch(request: Request, { imageBuilder, accounts, throttle, faults }: Gate): Verdict {
  const service = isQueryProtocol(request) ? stsService : imageBuilder;
  const operation = service.operationOf(request);
  if (operation === undefined) {
    const answer = service.errorAnswer(service.unknownOperation(request));
    const name = `${request.method} ${request.path}`.slice(0, LONGEST_NAME);
    return answered({ outcome: 'rejected', answer }, name, NOBODY);
  }
  const { refusal, caller } = identify(request, service, accounts);
  if (refusal !== undefined) {
    const answer = service.errorAnswer(service.refusal(refusal));
    return answered({ outcome: 'denied', answer }, operation, caller);
  }
  const fault = faults.strike(operation);
  if (fault !== undefined && fault.kind !== 'delay') return struck(fault, service, operation, caller);
  const mayPass = !service.isThrottled || throttle.take(`${caller.accountId}/${caller.region}`);
  const reply: Reply = mayPass
    ? service.run(operation, request, caller)
    : { outcome: 'throttled', answer: service.errorAnswer(service.throttled()) };
  return { ...answered(reply, operation, caller), delayMs: fault?.delayMs ?? 0 };
}

/** Whose request it is, as far as that can be told, and why it is refused. */
function identify(
  { headers }: Request,
  { signingName }: Service,
  accounts: Gate['accounts'],
): { readonly caller: Caller; readonly refusal?: Refusal } {
  const credential = readSignature(headers.authorization);
  if (typeof credential === 'string') return { caller: NOBODY, refusal: credential };
  const { accessKeyId, region, service } = credential;
  const caller = { ...NOBODY, accessKeyId, region };
  if (service !== signingName) return { caller, refusal: 'wrong-service' };
  if (accounts === undefined) return { caller: { ...caller, accountId: DEFAULT_ACCOUNT_ID } };
  const accountId = Object.hasOwn(accounts, accessKeyId) ? accounts[accessKeyId] : undefined;
  return accountId === undefined ? { caller, refusal: 'unknown-key' } : { caller: { ...caller, accountId } };
}

function struck(
  fault: Exclude<FaultEffect, { kind: 'delay' }>,
  service: Service,
  operation: string,
  caller: Caller,
): Verdict {
  const outcome = 'fault';
  switch (fault.kind) {
    case 'reset':
    case 'hang':
      return {
        call: { operation, ...placeOf(caller), outcome, httpStatus: 0 },
        effect: fault.kind,
        delayMs: 0,
      };
    case 'body': {
      const { httpStatus, contentType, text } = fault;
      const answer = { httpStatus, headers: { 'content-type': contentType }, body: text };
      return answered({ outcome, answer }, operation, caller);
    }
    case 'error': {
      const { code, httpStatus, message = 'A fault that was asked for.', wire, headers } = fault;
      const answer = service.errorAnswer({ code, httpStatus, message }, wire);
      const withHeaders = { ...answer, headers: { ...answer.headers, ...headers } };
      return answered({ outcome, answer: withHeaders }, operation, caller);
    }
  }
}

function answered({ answer, ...told }: Reply, operation: string, caller: Caller): Verdict {
  const { httpStatus } = answer;
  return { call: { operation, ...placeOf(caller), ...told, httpStatus }, effect: answer, delayMs: 0 };
}

function placeOf({ accountId, region }: Caller): Pick<Caller, 'accountId' | 'region'> {
  return { accountId, region };
}
