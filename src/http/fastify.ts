import { maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import { fastify } from 'fastify';
import type {
  ConnectionError,
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { systemClock } from '../runtime/clock.ts';
import { errorFields } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { sparsely } from '../runtime/sparse.ts';
import { StoreError } from '../store/store-error.ts';
import { invalidRequestOf } from './faults.ts';
import { PROBLEM_TYPE } from '../wire/problem.ts';
import type { ProblemCode } from '../wire/problem.ts';
import { Problem, problemBody, sendProblem } from './problem.ts';

/** Fastify, with types of requests taken from zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export const BODY_LIMIT_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const STORE_FAILURES_EVERY_MS = 1000;

/** Fastify's and Node's own errors that are the client's doing. All others are ours. */
const CODE_OF_ERROR: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  ECONNRESET: 'malformed_request',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/**
 * An instance that answers every error with a problem and reads bodies of JSON only. `isTrustedProxy`: whether the
 * X-Forwarded-For that an address sends counts.
 */
export function createFastify(isTrustedProxy: (address: string) => boolean, log: Log): App {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: isTrustedProxy,
    // The gate answers while draining.
    return503OnClosing: false,
    // No longer than any URL: what an id may look like is decided in one place, behind the token.
    routerOptions: { maxParamLength: maxHeaderSize },
    frameworkErrors: (error, _request, reply) => {
      setCommonHeaders(reply);
      sendProblem(reply, problemOf(error));
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<ZodTypeProvider>();

  // While the store fails every request does, and to log each of them may fill the disk that fails.
  const logStoreFailure = sparsely(
    systemClock,
    STORE_FAILURES_EVERY_MS,
    (leftOut, request: FastifyRequest, cause: StoreError) =>
      log.error({ ...routeFields(request), ...errorFields(cause), leftOut }, 'request failed'),
  );
  app.setValidatorCompiler(validatorCompiler);
  // Schemas of answers are for types and for the description of the API; what is asked for is not checked again.
  app.setSerializerCompiler(() => JSON.stringify);
  readOnlyJson(app);
  app.addHook('onRequest', async (request, reply) => {
    setCommonHeaders(reply);
    // Before the body is read: an unknown path is 404 whatever is sent to it.
    if (request.is404) throw new Problem('not_found');
  });
  app.setNotFoundHandler(() => {
    throw new Problem('not_found');
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    const cause = problem.cause ?? (problem.code === 'internal_error' ? error : undefined);
    if (cause instanceof StoreError) logStoreFailure(request, cause);
    else if (cause !== undefined)
      log.error({ ...routeFields(request), ...errorFields(cause) }, 'request failed');
    return sendProblem(reply, problem);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode: status, elapsedTime: durationMs } = reply;
    log.debug({ ...routeFields(request), status, durationMs: Math.round(durationMs) }, 'request');
  });
  return app;
}

/** Sends what is JSON text already. */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text);
}

/** Never the URL itself: a query may hold what nobody should read in a log. */
function routeFields({ method, routeOptions }: FastifyRequest) {
  return { method, route: routeOptions.url };
}

function setCommonHeaders(reply: FastifyReply): void {
  reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
}

function problemOf(error: unknown, request?: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreError) return new Problem('store_unavailable', { cause: error });
  if (!(error instanceof Error) || !('code' in error)) return new Problem('internal_error');
  if (error.code === 'FST_ERR_VALIDATION' && request !== undefined && 'validationContext' in error)
    return invalidRequestOf(request, String(error.validationContext));
  return new Problem(CODE_OF_ERROR[String(error.code)] ?? 'internal_error');
}

/**
 * A member that would reach the prototype makes a body malformed; schemas refuse what else is not known. An empty body
 * is none, whatever its type is said to be.
 */
function readOnlyJson(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'ignore');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body, done);
  });
}

/** What Node could not read as HTTP gets an answer too, where the connection still takes one. */
function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new Problem(CODE_OF_ERROR[error.code] ?? 'malformed_request');
  const body = problemBody(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.code}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
