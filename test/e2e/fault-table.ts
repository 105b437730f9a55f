import type { CallOutcome } from '../../src/domain/call/outcome.ts';
import type { ProblemKind } from '../../src/domain/call/reachability.ts';
import type { FaultName } from '../../src/simulator/simulator.ts';

/** What a fault of AWS, or of what lies before it, means to the watcher. */
export interface FaultRow {
  /** How `api_requests_total` counts it. */
  readonly counts: CallOutcome;
  /** What the log says of each look that it spoils; undefined where it spoils none. */
  readonly says?: RegExp;
  /** What `GET /v1/targets` shows as the target's problem while it lasts. */
  readonly problem?: ProblemKind;
  /** Whether three calls over ten seconds make the target unreachable. */
  readonly unreachable?: true;
  /** Whether a look is repeated at once, twice at most. */
  readonly repeated?: true;
  /** Events of the execution while the fault lasts, where there are any. */
  readonly tells?: readonly string[];
  /** For faults that have a time. */
  readonly seconds?: number;
}

const throttled = (says: RegExp): FaultRow => ({ counts: 'throttled', says });
const failing = (says: RegExp): FaultRow => ({
  counts: 'unavailable',
  says,
  problem: 'unavailable',
  repeated: true,
});
const broken = (says: RegExp): FaultRow => ({
  counts: 'unavailable',
  says,
  problem: 'connection',
  unreachable: true,
  repeated: true,
});
/** The time of a call is over: it is not repeated at once. */
const silent = (says: RegExp): FaultRow => ({
  counts: 'unavailable',
  says,
  problem: 'connection',
  unreachable: true,
});
const refused = (problem: 'denied' | 'credentials', says: RegExp): FaultRow => ({
  counts: 'denied',
  says,
  problem,
  unreachable: true,
});
const missing = (says: RegExp): FaultRow => ({ counts: 'missing', says });
const rejected = (says: RegExp): FaultRow => ({ counts: 'rejected', says });
const malformed = (says: RegExp): FaultRow => ({ counts: 'malformed', says });
/** True, only late: told as it comes. */
const delayed: FaultRow = { counts: 'ok', tells: ['execution.succeeded'], seconds: 1 };

/** What is done, said and counted for every fault. After each of them the right status is told. */
export const FAULT_TABLE: Readonly<Record<FaultName, FaultRow>> = {
  throttled: throttled(/CallRateLimitExceededException, HTTP 429/),
  'throttled-retry-after': { ...throttled(/HTTP 429.*"retryAfterMs":2000/), seconds: 2 },
  'throttled-retry-date': { ...throttled(/HTTP 429.*"retryAfterMs":\d+/), seconds: 2 },
  'throttled-bare': throttled(/HTTP 429/),
  'throttling-400': throttled(/ThrottlingException, HTTP 400/),

  'service-exception': failing(/ServiceException, HTTP 500/),
  'service-unavailable': failing(/ServiceUnavailableException, HTTP 503/),
  'bad-gateway': failing(/HTTP 502/),
  'gateway-timeout': failing(/HTTP 504/),
  reset: broken(/ECONNRESET/),
  'reset-in-body': broken(/ECONNRESET/),
  'hang-up': broken(/ECONNRESET/),
  garbage: broken(/HPE_INVALID/),
  hang: silent(/no answer within 10000 ms/),
  'hang-in-body': silent(/no answer within 10000 ms/),

  'slow-body': delayed,
  late: delayed,
  'out-of-order': { ...delayed, seconds: 2 },
  stale: { ...missing(/./), seconds: 3600 },

  forbidden: refused('denied', /ForbiddenException, HTTP 403/),
  'access-denied': refused('denied', /AccessDeniedException, HTTP 403/),
  unauthorized: refused('denied', /HTTP 401/),
  'expired-credentials': refused('credentials', /ExpiredTokenException, HTTP 403/),
  'unrecognized-client': refused('credentials', /UnrecognizedClientException, HTTP 403/),
  'signature-expired': refused('credentials', /InvalidSignatureException, HTTP 403/),

  'unknown-invalid-request': missing(/InvalidRequestException, HTTP 400/),
  'unknown-client-exception': missing(/ClientException, HTTP 400/),
  'unknown-not-found': missing(/ResourceNotFoundException, HTTP 404/),
  'unknown-empty': missing(/the answer holds no execution/),
  'read-after-write': { ...missing(/./), seconds: 3600 },
  vanished: missing(/InvalidRequestException, HTTP 400/),

  validation: rejected(/ValidationException, HTTP 400/),
  redirect: rejected(/HTTP 302/),

  'html-200': malformed(/the answer is not JSON/),
  'empty-body': missing(/the answer holds no execution/),
  'empty-object': missing(/the answer holds no execution/),
  'null-members': missing(/the answer holds no execution/),
  'truncated-json': malformed(/the answer is not JSON/),
  'iso-timestamp': malformed(/HTTP 200/),
  'missing-status': malformed(/the execution is not as documented: state/),
  'other-id': malformed(/the answer is about another execution/),
  'unknown-status': { counts: 'ok', tells: ['execution.unknown_status'] },
};
