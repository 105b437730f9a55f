import type * as z from 'zod';
import type { Scope } from '../../domain/scope.ts';
import { linkSignals } from '../../runtime/abort.ts';
import { defined } from '../../runtime/defined.ts';
import { readDaemonUrl } from '../terminal/daemon-url.ts';
import { CommandFailure, connectionFailure, failureOf, wrongUsage } from './failure.ts';
import { parseJson } from './json.ts';

const TIMEOUT_MS = 30_000;
/** Three times the size of a page of 1,000 executions that have as many labels as allowed. */
const LONGEST_BODY_BYTES = 64 * 1024 * 1024;

export interface DaemonOptions {
  readonly url: string;
  readonly token?: string | undefined;
}

export interface RequestOptions {
  /** The scope that the token needs, to be named if it is missing. */
  readonly scope: Scope;
  readonly body?: unknown;
  /** Default: POST if there is a body, else GET. */
  readonly method?: string;
  /** Time limit for the whole exchange. Default: 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Sends requests to a running daemon. They reject with a `CommandFailure` or, if aborted, with the reason of the signal. */
export interface DaemonClient {
  readonly url: string;
  /** Returns the JSON of the response, parsed by `schema`. */
  ask<T>(schema: z.ZodType<T>, path: string, options: RequestOptions): Promise<T>;
  /** Returns the response before its body is read. There is no time limit other than `signal`. */
  open(path: string, options: Omit<RequestOptions, 'timeoutMs'>): Promise<Response>;
}

/** Throws if the address or the token is malformed. The error contains neither, as both may hold a secret. */
export function createDaemonClient({ url: address, token = '' }: DaemonOptions): DaemonClient {
  const read = readDaemonUrl(address);
  if ('fault' in read) throw wrongUsage(read.fault);
  const { url } = read;
  // Fetch would refuse other characters in a header, with an error that contains the token.
  if (!/^[\x21-\x7e]*$/.test(token)) throw wrongUsage('the token contains characters that are not allowed');

  async function open(path: string, { method, body, signal, scope }: RequestOptions): Promise<Response> {
    const request = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: defined({
        authorization: token === '' ? undefined : `Bearer ${token}`,
        'content-type': body === undefined ? undefined : 'application/json',
      }),
      ...defined({ body: body === undefined ? undefined : JSON.stringify(body), signal }),
    };
    // Redirects are not followed, because the token must not be sent to another server.
    const response = await fetch(url + path, { ...request, redirect: 'manual' });
    if (response.ok) return response;
    throw failureOf(url, response.status, await textOf(response, url), scope);
  }

  async function ask<T>(schema: z.ZodType<T>, path: string, options: RequestOptions): Promise<T> {
    using limit = linkSignals([options.signal], options.timeoutMs ?? TIMEOUT_MS);
    const response = await open(path, { ...options, signal: limit.signal });
    const parsed = schema.safeParse(parseJson(await textOf(response, url)));
    if (parsed.success) return parsed.data;
    throw new CommandFailure(
      `${url} answered ${response.status} with content that this version does not understand`,
    );
  }

  /** Turns the errors of `work` into those that `DaemonClient` promises. */
  async function withFailures<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await work;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof CommandFailure ? error : connectionFailure(url, error);
    }
  }

  return {
    url,
    open: (path, options) => withFailures(open(path, options), options.signal),
    ask: (schema, path, options) => withFailures(ask(schema, path, options), options.signal),
  };
}

async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LONGEST_BODY_BYTES)
      throw new CommandFailure(
        `the response of ${url} is larger than ${LONGEST_BODY_BYTES / 1024 / 1024} MiB`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
