import { isUtf8 } from 'node:buffer';
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

/** A Fastify instance whose request types come from zod schemas. */
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

/** The errors of Fastify and Node that the client causes. All others are ours. */
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

/** Creates an instance that answers every error with a problem and accepts only JSON bodies. */
export function createFastify(log: Log): App {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // While draining, `Admission` answers.
    return503OnClosing: false,
    // As long as any URL can be, so that ids are checked in one place, after the token.
    routerOptions: { maxParamLength: maxHeaderSize, ignoreTrailingSlash: true },
    frameworkErrors: (error, _request, reply) => {
      setCommonHeaders(reply);
      sendProblem(reply, problemOf(error));
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<ZodTypeProvider>();

  // If the store fails, every request fails, and a log line for each could fill the very disk that has failed.
  const logStoreFailure = sparsely(
    systemClock,
    STORE_FAILURES_EVERY_MS,
    (leftOut, request: FastifyRequest, cause: StoreError) =>
      log.error({ ...routeFields(request), ...errorFields(cause), leftOut }, 'request failed'),
  );
  app.setValidatorCompiler(validatorCompiler);
  // Response schemas serve the types and the description of the API. Responses are not validated.
  app.setSerializerCompiler(() => JSON.stringify);
  acceptOnlyJson(app);
  app.addHook('onRequest', async (request, reply) => {
    setCommonHeaders(reply);
    // Thrown before the body is read, so an unknown path is 404 whatever its body is.
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

/** Sends JSON that is already serialized. */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text);
}

/** Leaves out the URL itself, because its query may contain secrets. */
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
 * Accepts only JSON bodies. A body is malformed if it is not valid UTF-8, whose broken parts would otherwise be replaced without
 * a word, or if a member would change the prototype. Schemas reject all other unknown members. An empty body counts as absent,
 * whatever its content type.
 */
function acceptOnlyJson(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'ignore');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) done(null, undefined);
    else if (isUtf8(body)) void parseJson(request, body.toString(), done);
    else done(new Problem('malformed_json'), undefined);
  });
}

/** Answers a request that Node could not parse as HTTP, if the connection is still writable. */
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
