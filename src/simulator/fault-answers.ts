import type { FaultEffect } from './fault-effects.ts';
import { UNPUBLISHED_STATUS } from './timeline.ts';
import type { Effect, Reply, Service } from './wire.ts';

/** What a caller meets where a fault takes the place of the ordinary answer; undefined where it only alters that. */
export function replacementFor(effect: FaultEffect, service: Service, now: () => number): Effect | undefined {
  switch (effect.kind) {
    case 'reset':
    case 'hang':
    case 'hang-up':
    case 'garbage':
      return effect.kind;
    case 'body': {
      const { httpStatus, contentType, text, headers } = effect;
      return { httpStatus, headers: { 'content-type': contentType, ...headers }, body: text };
    }
    case 'error': {
      const { queryCode, httpStatus, message = 'A fault that was asked for.', wire, retryAfter } = effect;
      const code = service.signingName === 'sts' ? (queryCode ?? effect.code) : effect.code;
      const answer = service.errorAnswer({ code, httpStatus, message }, wire);
      const retry = retryAfter && { 'retry-after': retryAfterText(retryAfter, now()) };
      return { ...answer, headers: { ...answer.headers, ...retry, ...effect.headers } };
    }
    default:
      return undefined;
  }
}

/**
 * The ordinary reply as a fault alters it; undefined where there is nothing to alter: answers are spoilt only where they
 * are good ones.
 */
export function alterReply(
  effect: FaultEffect,
  { status, shown, ...reply }: Reply,
  service: Service,
  operation: string,
): Reply | undefined {
  const { answer } = reply;
  switch (effect.kind) {
    case 'delay':
    case 'overtaken':
      return { ...reply, status, shown };
    case 'pace': {
      const paced = { ...reply, answer: { ...answer, pace: effect.pace } };
      return effect.pace.kind === 'drip' ? { ...paced, status, shown } : { ...paced, outcome: 'fault' };
    }
    case 'rewrite': {
      if (answer.httpStatus !== 200) return undefined;
      const spoilt = { ...reply, answer: service.rewrite(operation, answer, effect.rewrite) };
      const isReadable = effect.rewrite === 'unknown-status' && status !== undefined;
      return { ...spoilt, outcome: 'fault', status: isReadable ? UNPUBLISHED_STATUS : undefined };
    }
    case 'view': {
      const isOtherwise =
        reply.outcome === 'missing' || (reply.outcome === 'ok' && effect.view.ageMs !== undefined);
      return isOtherwise ? { ...reply, status, shown, outcome: 'fault' } : undefined;
    }
    default:
      return undefined;
  }
}

/** How long an altered answer is held back. */
export function delaysOf(effect: FaultEffect): {
  readonly delayMs?: number;
  readonly overtakenWithinMs?: number;
} {
  switch (effect.kind) {
    case 'delay':
      return { delayMs: effect.delayMs };
    case 'overtaken':
      return { overtakenWithinMs: effect.atMostMs };
    default:
      return {};
  }
}

/** RFC 9110, section 10.2.3. A date has whole seconds: rounded up, so that it never asks for less. */
function retryAfterText(
  { seconds, form }: { readonly seconds: number; readonly form: 'seconds' | 'date' },
  now: number,
): string {
  if (form === 'seconds') return String(Math.ceil(seconds));
  return new Date(Math.ceil((now + seconds * 1000) / 1000) * 1000).toUTCString();
}
