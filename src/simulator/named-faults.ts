import type { FaultEffect } from './fault-effects.ts';

/** A fault that can be requested by name. */
interface FaultKind {
  readonly tells: string;
  /** The default of `seconds`. If it is absent, the fault takes no seconds. */
  readonly seconds?: number;
  /**
   * True if the fault applies only to Image Builder's operations, because it alters an answer in a way that only their protocol
   * has.
   */
  readonly isImageBuilders?: boolean;
  effect(seconds: number): FaultEffect;
}

const HTML = '<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>';

/** All named faults. Tests, scenario files and the control port use these names. */
const FAULTS = {
  // Throttled
  throttled: {
    tells: '429 CallRateLimitExceededException',
    effect: () => throttled(),
  },
  'throttled-retry-after': {
    tells: '429 CallRateLimitExceededException with Retry-After in seconds',
    seconds: 5,
    effect: (seconds) => throttled({ seconds, form: 'seconds' }),
  },
  'throttled-retry-date': {
    tells: '429 CallRateLimitExceededException with Retry-After as a date',
    seconds: 5,
    effect: (seconds) => throttled({ seconds, form: 'date' }),
  },
  'throttled-bare': {
    tells: '429 without a code or a body, as a proxy throttles',
    effect: () => page(429, 'text/plain', ''),
  },
  'throttling-400': {
    tells: '400 ThrottlingException',
    effect: () => error(400, 'ThrottlingException', 'Throttling'),
  },

  // Unavailable
  'service-exception': { tells: '500 ServiceException', effect: () => error(500, 'ServiceException') },
  'service-unavailable': {
    tells: '503 ServiceUnavailableException',
    effect: () => error(503, 'ServiceUnavailableException', 'ServiceUnavailable'),
  },
  'bad-gateway': { tells: "502 with a proxy's HTML page", effect: () => page(502, 'text/html', HTML) },
  'gateway-timeout': { tells: "504 with a proxy's HTML page", effect: () => page(504, 'text/html', HTML) },
  reset: { tells: 'the connection is reset before an answer', effect: () => ({ kind: 'reset' }) },
  'reset-in-body': {
    tells: 'the connection is reset in the middle of the body',
    effect: () => ({ kind: 'pace', pace: { kind: 'reset' } }),
  },
  'hang-up': { tells: 'the connection ends without an answer', effect: () => ({ kind: 'hang-up' }) },
  garbage: { tells: 'the answer is not HTTP', effect: () => ({ kind: 'garbage' }) },
  hang: { tells: 'no answer ever comes', effect: () => ({ kind: 'hang' }) },
  'hang-in-body': {
    tells: 'the answer stops in the middle of the body',
    effect: () => ({ kind: 'pace', pace: { kind: 'hang' } }),
  },

  // Slow, late, out of order
  'slow-body': {
    tells: 'the body is sent slowly, over `seconds`',
    seconds: 5,
    effect: (seconds) => ({ kind: 'pace', pace: { kind: 'drip', overMs: seconds * 1000 } }),
  },
  late: {
    tells: 'the answer comes `seconds` late and shows the state at the time of the request',
    seconds: 5,
    effect: (seconds) => ({ kind: 'delay', delayMs: seconds * 1000 }),
  },
  'out-of-order': {
    tells:
      'the answer is held until a later call about the same execution has been answered, at most for `seconds`',
    seconds: 10,
    effect: (seconds) => ({ kind: 'overtaken', atMostMs: seconds * 1000 }),
  },
  stale: {
    tells: 'the answer shows the state `seconds` ago',
    seconds: 60,
    isImageBuilders: true,
    effect: (seconds) => ({ kind: 'view', view: { ageMs: seconds * 1000 } }),
  },

  // Denied
  forbidden: { tells: '403 ForbiddenException', effect: () => error(403, 'ForbiddenException') },
  'access-denied': {
    tells: '403 AccessDeniedException',
    effect: () => error(403, 'AccessDeniedException', 'AccessDenied'),
  },
  unauthorized: { tells: '401 with a page', effect: () => page(401, 'text/html', HTML) },
  'expired-credentials': {
    tells: '403 ExpiredTokenException',
    effect: () => error(403, 'ExpiredTokenException', 'ExpiredToken'),
  },
  'unrecognized-client': {
    tells: '403 UnrecognizedClientException',
    effect: () => error(403, 'UnrecognizedClientException', 'InvalidClientTokenId'),
  },
  'signature-expired': {
    tells: '403 InvalidSignatureException, as for a wrong clock',
    effect: () => error(403, 'InvalidSignatureException', 'SignatureDoesNotMatch'),
  },

  // Missing
  'unknown-invalid-request': {
    tells: 'the id is unknown: 400 InvalidRequestException',
    isImageBuilders: true,
    effect: () => error(400, 'InvalidRequestException'),
  },
  'unknown-client-exception': {
    tells: 'the id is unknown: 400 ClientException',
    isImageBuilders: true,
    effect: () => error(400, 'ClientException'),
  },
  'unknown-not-found': {
    tells: 'the id is unknown: 404 ResourceNotFoundException',
    isImageBuilders: true,
    effect: () => error(404, 'ResourceNotFoundException'),
  },
  'unknown-empty': {
    tells: 'the id is unknown: 200 without an execution',
    isImageBuilders: true,
    effect: () => ({ kind: 'rewrite', rewrite: 'empty-object' }),
  },
  'read-after-write': {
    tells: 'an id is unknown for `seconds` after its start',
    seconds: 5,
    isImageBuilders: true,
    effect: (seconds) => ({ kind: 'view', view: { hiddenForMs: seconds * 1000 } }),
  },
  vanished: {
    tells: 'an id that was known before is unknown',
    isImageBuilders: true,
    effect: () => ({ kind: 'view', view: { hiddenForMs: Infinity } }),
  },

  // Rejected
  validation: { tells: '400 ValidationException', effect: () => error(400, 'ValidationException') },
  redirect: {
    tells: '302 to a page, as from a login portal',
    effect: () => ({ ...page(302, 'text/html', HTML), headers: { location: '/login' } }),
  },

  // Malformed
  'html-200': { tells: "200 with a proxy's HTML page", effect: () => page(200, 'text/html', HTML) },
  'empty-body': { tells: '200 with no body', effect: () => page(200, 'application/json', '') },
  'empty-object': { tells: '200 with `{}`', effect: () => page(200, 'application/json', '{}') },
  'null-members': rewriting('every member of the answer is null', 'null-members'),
  'truncated-json': rewriting('the body is only the first half, with a matching length', 'truncated'),
  'iso-timestamp': rewriting('instants are ISO 8601 strings', 'iso-timestamp'),
  'missing-status': rewriting('the status is left out', 'missing-status'),
  'other-id': rewriting('the answer is about another id', 'other-id'),
  'unknown-status': rewriting('the status is one that no model lists', 'unknown-status'),
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

export function faultKind(name: FaultName): FaultKind {
  return FAULTS[name];
}

function throttled(retryAfter?: {
  readonly seconds: number;
  readonly form: 'seconds' | 'date';
}): FaultEffect {
  return {
    ...error(429, 'CallRateLimitExceededException', 'Throttling'),
    ...(retryAfter && { retryAfter }),
  };
}

function error(httpStatus: number, code: string, queryCode = code) {
  return { kind: 'error', httpStatus, code, queryCode } as const;
}

function page(httpStatus: number, contentType: string, text: string) {
  return { kind: 'body', httpStatus, contentType, text } as const;
}

function rewriting(tells: string, rewrite: Extract<FaultEffect, { kind: 'rewrite' }>['rewrite']): FaultKind {
  return { tells, isImageBuilders: true, effect: () => ({ kind: 'rewrite', rewrite }) };
}
