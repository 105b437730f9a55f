import type { IncomingHttpHeaders } from 'node:http';
import type { CallDetails, CallOutcome } from './call-log.ts';
import type { Rewrite } from './rewrites.ts';
import type { View } from './execution.ts';
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
  /** How the body is sent. Default: at once. */
  readonly pace?: Pace;
}

/** The body stops in its middle, by a reset or in silence, or is sent in parts over `overMs`. */
export type Pace = { readonly kind: 'reset' | 'hang' } | { readonly kind: 'drip'; readonly overMs: number };

export const WIRE_FORMS = ['header', 'header-suffix', 'body', 'body-namespace', 'body-code'] as const;
/**
 * The place of an error's code in REST-JSON: the `x-amzn-errortype` header, the same with a suffix after a colon, the body's
 * `__type`, the same with a namespace, or the body's `code`. AWS's services use each of these.
 */
export type WireForm = (typeof WIRE_FORMS)[number];

/** The effect of a request for the caller: an answer or a broken connection. */
export type Effect = Answer | 'reset' | 'hang' | 'hang-up' | 'garbage';

/** An error of the service, before it has a wire form. */
export interface ServiceError {
  readonly code: string;
  readonly httpStatus: number;
  readonly message: string;
}

/** The caller of a request whose credential was accepted. */
export interface Caller {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly region: string;
  /** The ARN of the user or of the assumed role's session. */
  readonly arn: string;
}

/** The result of an operation. */
export interface Reply {
  readonly outcome: CallOutcome;
  readonly answer: Answer;
  readonly executionId?: string | undefined;
  /** The execution's status that is in the answer. */
  readonly status?: string | undefined;
  /** The executions that are in the answer of a list. */
  readonly shown?: NonNullable<CallDetails['shown']> | undefined;
}

/** An AWS service and its protocol. */
export interface Service {
  /** The service's name in a credential scope. */
  readonly signingName: string;
  /** True if its calls count towards the request rate. */
  readonly isThrottled: boolean;
  /** Returns the operation that a request asks for, or undefined if there is no such operation. */
  operationOf(request: Request): string | undefined;
  unknownOperation(request: Request): ServiceError;
  refusal(refusal: Refusal): ServiceError;
  throttled(): ServiceError;
  /** Returns the execution that a request names, or undefined if it names none or its input cannot be read. */
  executionIdOf(operation: string, request: Request): string | undefined;
  run(operation: string, request: Request, caller: Caller, view: View): Reply;
  /** Returns a good answer, corrupted. */
  rewrite(operation: string, answer: Answer, rewrite: Rewrite): Answer;
  /** `wire` is the place of the code, for protocols with several places. */
  errorAnswer(error: ServiceError, wire?: WireForm): Answer;
}
