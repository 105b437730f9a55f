import type * as z from 'zod';
import type { Scope } from '../../domain/scope.ts';
import { linkSignals } from '../../runtime/abort.ts';
import { CommandFailure, connectionFailure, failureOf, wrongUsage } from './failure.ts';
import { jsonOf } from './text.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8080';
const TIMEOUT_MS = 30_000;
/** A page of 1,000 executions, each with all the labels it may have, is a third of this. */
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

export interface DaemonOptions {
  readonly url: string;
  readonly token?: string | undefined;
}

export interface Asked {
  /** What the token must open; told where it does not. */
  readonly scope: Scope;
  readonly body?: unknown;
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  /** For the whole exchange. Default: 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Who asks a running daemon. Whatever keeps it from an answer rejects with `CommandFailure`, an abort with its reason. */
export interface DaemonClient {
  readonly url: string;
  /** The answer's JSON. */
  ask<T>(answer: z.ZodType<T>, path: string, asked: Asked): Promise<T>;
  /** The answer itself, its body not yet read; how long that may take is the caller's to say, by `signal`. */
  open(path: string, asked: Omit<Asked, 'timeoutMs'>): Promise<Response>;
}

/** Throws where the address or the token cannot be one; neither is repeated, as both may hold a secret. */
export function createDaemonClient({ url: given, token = '' }: DaemonOptions): DaemonClient {
  const url = baseUrl(given);
  // Anything else would make no header, and the error that tells so would show it.
  if (!/^[\x21-\x7e]*$/.test(token)) throw wrongUsage('the token has characters that no token has');

  async function open(path: string, { method, body, signal, scope }: Asked): Promise<Response> {
    const request = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    // Not followed: whoever is asked must not send the token elsewhere.
    const response = await fetch(url + path, { ...request, redirect: 'manual' });
    if (response.ok) return response;
    throw failureOf(url, response.status, await textOf(response, url), scope);
  }

  /** What aborted by the signal that was given rejects with that signal's reason. */
  async function told<T>(answer: Promise<T>, given: AbortSignal | undefined): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      given?.throwIfAborted();
      throw error instanceof CommandFailure ? error : connectionFailure(url, error);
    }
  }

  return {
    url,
    open: (path, asked) => told(open(path, asked), asked.signal),
    ask: (answer, path, asked) =>
      told(
        (async () => {
          using limit = linkSignals([asked.signal], asked.timeoutMs ?? TIMEOUT_MS);
          const response = await open(path, { ...asked, signal: limit.signal });
          const json = answer.safeParse(jsonOf(await textOf(response, url)));
          if (json.success) return json.data;
          throw new CommandFailure(`${url} answered ${response.status}, and not as this version expects`);
        })(),
        asked.signal,
      ),
  };
}

/** Without the slash at its end; a path before those of the API is kept. */
function baseUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw wrongUsage('the address of the daemon must be an http or https URL');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrongUsage('the address of the daemon must have no user, password, query or fragment');
  return url.href.replace(/\/+$/, '');
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER_BYTES) throw new CommandFailure(`${url} answers with more than can be read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
