import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Scope } from '../domain/scope.ts';
import { Problem } from './problem.ts';

export interface Token {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly value: string;
}

/** Who asks. */
export type Caller = Pick<Token, 'name' | 'scopes'>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined without a valid token. */
    caller: Caller | undefined;
    /** Aborts when the client is not there any more. */
    gone: AbortSignal | undefined;
  }
  interface FastifyContextConfig {
    /** What a token needs to be let in; without it none is needed. */
    scope?: Scope;
  }
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/**
 * Finds whose token is shown. Digests are compared, each in constant time and always all of them, so that neither
 * length nor content of a token shows in the time that a refusal takes.
 */
export function createAuthentication(
  tokens: readonly Token[],
): (shown: string | undefined) => Caller | undefined {
  const known = tokens.map(({ name, scopes, value }) => ({
    caller: { name, scopes },
    digest: digestOf(value),
  }));
  return (shown) => {
    const digest = digestOf(shown ?? '');
    let caller: Caller | undefined;
    for (const candidate of known) if (timingSafeEqual(candidate.digest, digest)) caller = candidate.caller;
    return shown === undefined ? undefined : caller;
  };
}

/** The token of `authorization: Bearer TOKEN` (RFC 6750), else of `x-api-key: TOKEN`. */
export function shownToken({ headers }: FastifyRequest): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return bearer ?? (typeof apiKey === 'string' ? apiKey : undefined);
}

const CHALLENGE = 'Bearer realm="lifecycle-watcher"';

/** Throws 401 without a valid token and 403 where the token lacks the route's scope. */
export function authorize(request: FastifyRequest): void {
  const { scope } = request.routeOptions.config;
  if (scope === undefined) return;
  const { caller } = request;
  if (caller === undefined) {
    const error = shownToken(request) === undefined ? '' : ', error="invalid_token"';
    throw new Problem('unauthorized', { headers: { 'www-authenticate': CHALLENGE + error } });
  }
  if (caller.scopes.includes(scope) || caller.scopes.includes('admin')) return;
  throw new Problem('forbidden', {
    detail: `The token lacks the scope ${scope}.`,
    headers: { 'www-authenticate': `${CHALLENGE}, error="insufficient_scope", scope="${scope}"` },
  });
}
