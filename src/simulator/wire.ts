import type { IncomingHttpHeaders } from 'node:http';
import type { CallOutcome } from './calls.ts';
import type { Refusal } from './signature.ts';

/** A request whose body has been read. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A response that can be sent. */
export interface Answer {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An error of the service, before it has a wire form. */
export interface ServiceError {
  readonly code: string;
  readonly httpStatus: number;
  readonly message: string;
}

/** Who calls, after the credential was accepted. */
export interface Caller {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly region: string;
}

/** What an operation ended with. */
export interface Reply {
  readonly outcome: CallOutcome;
  readonly answer: Answer;
  readonly executionId?: string;
  /** The execution's status that is in the answer. */
  readonly status?: string;
}

/** One AWS service: how its operations are named, run and answered. */
export interface Service {
  /** The service's name in a credential scope. */
  readonly signingName: string;
  /** Whether its calls take tokens of the request rate. */
  readonly isThrottled: boolean;
  /** The operation that a request asks for; undefined where there is no such operation. */
  operationOf(request: Request): string | undefined;
  unknownOperation(request: Request): ServiceError;
  refusal(refusal: Refusal): ServiceError;
  throttled(): ServiceError;
  run(operation: string, request: Request, caller: Caller): Reply;
  /** `wire` says where the code stands, for protocols that know both places. */
  errorAnswer(error: ServiceError, wire?: 'header' | 'body'): Answer;
}
