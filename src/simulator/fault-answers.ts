import type { FaultEffect } from './fault-effects.ts';
import { UNPUBLISHED_STATUS } from './timeline.ts';
import type { Effect, Reply, Service } from './wire.ts';

/** Returns the effect that replaces the ordinary answer, or undefined if the fault only alters that answer. */
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

/** Returns the ordinary reply as the fault alters it, or undefined if it does not apply. Only good answers are corrupted. */
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
      const corrupted = { ...reply, answer: service.rewrite(operation, answer, effect.rewrite) };
      const isReadable = effect.rewrite === 'unknown-status' && status !== undefined;
      return { ...corrupted, outcome: 'fault', status: isReadable ? UNPUBLISHED_STATUS : undefined };
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

/** Returns the time for which an altered answer is held back. */
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

/** RFC 9110, section 10.2.3. A date has whole seconds. It is rounded up, so that it never asks for less. */
function retryAfterText(
  { seconds, form }: { readonly seconds: number; readonly form: 'seconds' | 'date' },
  now: number,
): string {
  if (form === 'seconds') return String(Math.ceil(seconds));
  return new Date(Math.ceil((now + seconds * 1000) / 1000) * 1000).toUTCString();
}
