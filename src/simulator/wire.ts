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

/** Cut in its middle, by a reset or by silence; or in parts, spread over a time. */
export type Pace = { readonly kind: 'reset' | 'hang' } | { readonly kind: 'drip'; readonly overMs: number };

export const WIRE_FORMS = ['header', 'header-suffix', 'body', 'body-namespace', 'body-code'] as const;
/**
 * Where an error's code stands in REST-JSON: the `x-amzn-errortype` header, there with a suffix after a colon, or the
 * body's `__type`, there with a namespace, or the body's `code`. AWS's services use each.
 */
export type WireForm = (typeof WIRE_FORMS)[number];

/** What the caller meets. */
export type Effect = Answer | 'reset' | 'hang' | 'hang-up' | 'garbage';

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
  /** Of the user or of the assumed role's session. */
  readonly arn: string;
}

/** What an operation ended with. */
export interface Reply {
  readonly outcome: CallOutcome;
  readonly answer: Answer;
  readonly executionId?: string | undefined;
  /** The execution's status that is in the answer. */
  readonly status?: string | undefined;
  /** The executions that are in the answer of a list. */
  readonly shown?: NonNullable<CallDetails['shown']> | undefined;
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
  /** The execution that a request names, where its input is well-formed enough to tell. */
  executionIdOf(operation: string, request: Request): string | undefined;
  run(operation: string, request: Request, caller: Caller, view: View): Reply;
  /** A good answer, spoilt. */
  rewrite(operation: string, answer: Answer, rewrite: Rewrite): Answer;
  /** `wire` says where the code stands, for protocols that know several places. */
  errorAnswer(error: ServiceError, wire?: WireForm): Answer;
}
