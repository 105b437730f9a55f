import { z } from 'zod';
import type { CallFailure, Trouble } from '../domain/call/outcome.ts';
import { parseRetryAfterMs } from '../domain/delivery/retry-after.ts';
import type { Operation } from '../domain/call/operation.ts';
import { defined } from '../runtime/defined.ts';
import { wellFormed } from './well-formed.ts';

/** Error codes of AWS and of the SDK without namespace and suffix. Sources: the service models and the SDK's own lists. */
const THROTTLING = new Set([
  'BandwidthLimitExceeded',
  'CallRateLimitExceededException',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestLimitExceededException',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);
/** There are no credentials, or AWS does not know them or no longer accepts them. */
const CREDENTIALS =
  /^(AuthFailure|CredentialsProvider|CredentialsTimeout|Expired_?Token|IncompleteSignature|InvalidAccessKeyId|InvalidClientTokenId|InvalidIdentityToken|InvalidSignature|InvalidToken|MissingAuthenticationToken|ProviderError|RequestExpired|SignatureDoesNotMatch|TokenProvider|TokenRefreshRequired|UnrecognizedClient)/;
/** The credentials are valid, but the call is not allowed. */
const FORBIDDEN = /^(AccessDenied|Forbidden|NotAuthorized|OptInRequired|RegionDisabled|Unauthorized)/;
/** Errors of GetLifecycleExecution for an id that AWS does not know or no longer knows; it does not distinguish the two. */
const UNKNOWN_ID = new Set(['InvalidRequestException', 'ClientException']);
/** A connection that was cut counts as a connection failure even if a status line had arrived. */
const CUT_OFF =
  /^(ECONN|EPIPE|EAI_|ENOTFOUND|ETIMEDOUT|EHOST|ENET|ERR_STREAM_PREMATURE_CLOSE|HPE_|AbortError|TimeoutError)/;
const SECRET = /AWS4-HMAC|security-token|Credential=|Signature=|SecretAccessKey|SessionToken/i;
const ACCESS_KEY = /\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g;
const LONGEST_MESSAGE = 300;
/** The members of a thrown value that are evaluated. Each may be of any type. */
const text = z.string().optional().catch(undefined);
const status = z.int().optional().catch(undefined);
const Thrown = z.object({
  name: text,
  code: text,
  Code: text,
  __type: text,
  message: text,
  $metadata: z.object({ httpStatusCode: status }).optional().catch(undefined),
  $response: z
    .object({ statusCode: status, headers: z.record(z.string(), z.unknown()).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  $retryable: z
    .object({ throttling: z.boolean().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});
type Thrown = z.infer<typeof Thrown>;

/**
 * Classifies the error of a call by its HTTP status, its name and the SDK's own `$retryable` flag. `now` is the wall clock
 * in epoch milliseconds, for a Retry-After header with a date. Recognizes errors by their shape, so it works with any
 * version of the SDK.
 */
export function toFailure(error: unknown, operation: Operation, now: number): CallFailure {
  const thrown: Thrown = Thrown.safeParse(error).data ?? {};
  // Node's code comes first: the SDK names a reset connection TimeoutError.
  const names = [thrown.code, thrown.name, thrown.Code, thrown.__type].flatMap(plainName);
  const httpStatus = httpStatusOf(thrown);
  const outcome = outcomeOf(thrown, names, httpStatus, operation);
  const code = codeOf(names);
  const trouble = troubleOf(outcome, names, httpStatus);
  const retryAfterMs = outcome === 'throttled' ? retryAfterOf(thrown, now) : undefined;
  const message = messageOf(thrown, code, httpStatus);
  return defined({ outcome, message, code, httpStatus, trouble, retryAfterMs });
}

/**
 * Classifies the reason why there are no credentials. Nothing was asked of the service itself, so an answer of STS or of another
 * source never counts as one of its answers: no execution is missing because STS answers 404.
 */
export function toCredentialsFailure(error: unknown, now: number): CallFailure {
  return withoutCredentials(toFailure(error, 'AssumeRole', now));
}

/** Returns the failure of a call that was not sent because `failure` kept it from having credentials. */
export function withoutCredentials({ retryAfterMs: _, ...failure }: CallFailure): CallFailure {
  if (failure.outcome === 'unavailable') return failure;
  return { ...failure, outcome: 'denied', trouble: failure.trouble ?? 'credentials' };
}

function troubleOf(
  outcome: CallFailure['outcome'],
  names: readonly string[],
  httpStatus: number | undefined,
): Trouble | undefined {
  if (outcome === 'denied') return names.some((name) => CREDENTIALS.test(name)) ? 'credentials' : 'denied';
  if (outcome !== 'unavailable') return undefined;
  const isAnswered = httpStatus !== undefined && httpStatus >= 500;
  return isAnswered && !names.some((name) => CUT_OFF.test(name)) ? 'unavailable' : 'connection';
}

function outcomeOf(
  { $retryable }: Thrown,
  names: readonly string[],
  httpStatus: number | undefined,
  operation: Operation,
): CallFailure['outcome'] {
  const isNamed = (test: (name: string) => boolean) => names.some(test);
  if (httpStatus === 429 || $retryable?.throttling === true) return 'throttled';
  if (isNamed((name) => THROTTLING.has(name))) return 'throttled';
  if (httpStatus === 401 || httpStatus === 403) return 'denied';
  if (isNamed((name) => CREDENTIALS.test(name) || FORBIDDEN.test(name))) return 'denied';
  if (httpStatus === undefined) return names.includes('SyntaxError') ? 'malformed' : 'unavailable';
  if (httpStatus >= 500 || isNamed((name) => CUT_OFF.test(name))) return 'unavailable';
  if (httpStatus < 300) return 'malformed';
  if (operation === 'GetLifecycleExecution') {
    if (httpStatus === 404) return 'missing';
    if (httpStatus === 400 && isNamed((name) => UNKNOWN_ID.has(name))) return 'missing';
  }
  return 'rejected';
}

/** Returns `ThrottlingException` for `aws.imagebuilder#ThrottlingException:http://…`; empty if there is no name. */
function plainName(raw: string | undefined): string[] {
  const name = raw?.split(':')[0]?.split('#').at(-1)?.trim();
  return name === undefined || name === '' ? [] : [name];
}

/** Returns undefined if there was no status line, which the SDK reports as zero or less. */
function httpStatusOf({ $metadata, $response }: Thrown): number | undefined {
  const found = $metadata?.httpStatusCode ?? $response?.statusCode;
  return found !== undefined && found >= 100 ? found : undefined;
}

/** Returns the first specific code or name: Node's code or AWS's name. */
function codeOf(names: readonly string[]): string | undefined {
  const specific = names.find((name) => !['Error', 'AggregateError', 'TypeError', 'Unknown'].includes(name));
  const code = specific ?? names[0];
  return code && wellFormed(code.slice(0, 100));
}

/** Returns one readable line. Leaves out text that may contain a signature, an access key or a part of the body. */
function messageOf({ message }: Thrown, code: string | undefined, httpStatus: number | undefined): string {
  const subject = [code ?? 'failed', ...(httpStatus === undefined ? [] : [`HTTP ${httpStatus}`])].join(', ');
  if (code === 'SyntaxError') return `${subject}: the response is not JSON`;
  if (message === undefined || message === '' || message === code || SECRET.test(message)) return subject;
  const line = message
    .replace(/\s+/g, ' ')
    .replace(/ ?Deserialization error: to see.*/, '')
    .replace(ACCESS_KEY, '[access key]')
    .trim();
  return wellFormed(`${subject}: ${line}`.slice(0, LONGEST_MESSAGE));
}

function retryAfterOf({ $response }: Thrown, now: number): number | undefined {
  const headers = Object.entries($response?.headers ?? {});
  const value = headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return typeof value === 'string' ? parseRetryAfterMs(value, now) : undefined;
}
