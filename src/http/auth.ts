import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Scope } from '../domain/scope.ts';
import { Problem } from './problem.ts';

export interface Token {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly value: string;
}

/** The owner of the token that a request carries. */
export type Caller = Pick<Token, 'name' | 'scopes'>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined if the request carries no valid token. */
    caller: Caller | undefined;
    /** Aborts when the connection of the client closes. */
    gone: AbortSignal | undefined;
  }
  interface FastifyContextConfig {
    /** The scope that a token needs. If absent, no token is needed. */
    scope?: Scope;
  }
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/**
 * Returns a function that finds the owner of a token. It compares digests, each in constant time and always all of them, so
 * that the time of a refusal reveals neither the length nor the content of a token.
 */
export function createAuthentication(
  tokens: readonly Token[],
): (token: string | undefined) => Caller | undefined {
  const candidates = tokens.map(({ name, scopes, value }) => ({
    caller: { name, scopes },
    digest: digestOf(value),
  }));
  return (token) => {
    const digest = digestOf(token ?? '');
    let caller: Caller | undefined;
    for (const candidate of candidates)
      if (timingSafeEqual(candidate.digest, digest)) caller = candidate.caller;
    return token === undefined ? undefined : caller;
  };
}

/** Returns the token in `authorization: Bearer TOKEN` (RFC 6750), else in `x-api-key: TOKEN`. */
export function shownToken({ headers }: FastifyRequest): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return bearer ?? (typeof apiKey === 'string' ? apiKey : undefined);
}

const CHALLENGE = 'Bearer realm="lifecycle-watcher"';

/** Throws a 401 problem if there is no valid token, and a 403 problem if the token lacks the scope of the route. */
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
