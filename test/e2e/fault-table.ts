import type { CallOutcome } from '../../src/domain/call/outcome.ts';
import type { ProblemKind } from '../../src/domain/call/reachability.ts';
import type { FaultName } from '../../src/simulator/simulator.ts';

/** The effects on the watcher of a fault of AWS, or of a proxy before it. */
export interface FaultRow {
  /** The outcome under which `api_requests_total` counts it. */
  readonly outcome: CallOutcome;
  /** Matches the log line of each poll that fails; undefined if no poll fails. */
  readonly logs?: RegExp;
  /** The target's problem in `GET /v1/targets` while the fault lasts. */
  readonly problem?: ProblemKind;
  /** Three calls over ten seconds make the target unreachable. */
  readonly isUnreachable?: true;
  /** A failed poll is repeated at once, up to twice. */
  readonly isRepeated?: true;
  /** The events of the execution while the fault lasts. Default: none. */
  readonly events?: readonly string[];
  /** The duration, for faults that have one. */
  readonly seconds?: number;
}

const throttled = (logs: RegExp): FaultRow => ({ outcome: 'throttled', logs });
const failing = (logs: RegExp): FaultRow => ({
  outcome: 'unavailable',
  logs,
  problem: 'unavailable',
  isRepeated: true,
});
const broken = (logs: RegExp): FaultRow => ({
  outcome: 'unavailable',
  logs,
  problem: 'connection',
  isUnreachable: true,
  isRepeated: true,
});
/** A call that times out is not repeated at once. */
const silent = (logs: RegExp): FaultRow => ({
  outcome: 'unavailable',
  logs,
  problem: 'connection',
  isUnreachable: true,
});
const refused = (problem: 'denied' | 'credentials', logs: RegExp): FaultRow => ({
  outcome: 'denied',
  logs,
  problem,
  isUnreachable: true,
});
const missing = (logs: RegExp): FaultRow => ({ outcome: 'missing', logs });
const rejected = (logs: RegExp): FaultRow => ({ outcome: 'rejected', logs });
const malformed = (logs: RegExp): FaultRow => ({ outcome: 'malformed', logs });
/** The answer is right but late, and is reported when it arrives. */
const delayed: FaultRow = { outcome: 'ok', events: ['execution.succeeded'], seconds: 1 };

/** The effects of every fault. When it is over, the right status is reported. */
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
  'unknown-empty': missing(/the response contains no execution/),
  'read-after-write': { ...missing(/./), seconds: 3600 },
  vanished: missing(/InvalidRequestException, HTTP 400/),

  validation: rejected(/ValidationException, HTTP 400/),
  redirect: rejected(/HTTP 302/),

  'html-200': malformed(/the response is not JSON/),
  'empty-body': missing(/the response contains no execution/),
  'empty-object': missing(/the response contains no execution/),
  'null-members': missing(/the response contains no execution/),
  'truncated-json': malformed(/the response is not JSON/),
  'iso-timestamp': malformed(/HTTP 200/),
  'missing-status': malformed(/the execution is not as documented: state/),
  'other-id': malformed(/the response is about another execution/),
  'unknown-status': { outcome: 'ok', events: ['execution.unknown_status'] },
};
