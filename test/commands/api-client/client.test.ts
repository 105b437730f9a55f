import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createDaemonClient } from '../../../src/commands/api-client/client.ts';
import type { RequestOptions } from '../../../src/commands/api-client/client.ts';
import { CommandFailure } from '../../../src/commands/api-client/failure.ts';
import { startHttpServer } from '../../support/listen.ts';

const answer = z.object({ good: z.boolean() });
const SECRET = 'token-that-nobody-may-see';

/** Returns everything that a user reads if a request fails. */
async function failure(url: string, options: Partial<RequestOptions> = {}) {
  const client = createDaemonClient({ url, token: SECRET });
  const error: unknown = await client
    .ask(answer, '/v1/x', { scope: 'read', ...options })
    .catch((e: unknown) => e);
  if (!(error instanceof CommandFailure)) throw error;
  expect([error.message, ...error.details, error.stack].join('\n')).not.toContain(SECRET);
  return { exitCode: error.exitCode, lines: [error.message, ...error.details] };
}

const problem = (status: number, body: object) =>
  startHttpServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
  });

describe('the client of the daemon', () => {
  it('sends the token and returns the JSON of the response, also if the address has a path', async () => {
    const asked: unknown[] = [];
    await using server = await startHttpServer((request, response) => {
      asked.push([request.method, request.url, request.headers.authorization]);
      response.end('{"good": true, "more": 1}');
    });
    const client = createDaemonClient({ url: `${server.origin}/watcher/`, token: SECRET });
    expect(await client.ask(answer, '/v1/x?y', { scope: 'read' })).toEqual({ good: true });
    await createDaemonClient({ url: server.origin }).ask(answer, '/v1/x', { scope: 'admin', body: {} });
    expect(asked).toEqual([
      ['GET', '/watcher/v1/x?y', `Bearer ${SECRET}`],
      ['POST', '/v1/x', undefined],
    ]);
  });

  it('reports a problem with one line for each fault, and bad input as wrong usage', async () => {
    await using server = await problem(400, {
      code: 'invalid_request',
      detail: 'Not valid;\nsee\u001b[2J errors.',
      errors: [
        { path: 'until', message: 'must be after since' },
        { path: '', message: 'is odd' },
      ],
    });
    expect(await failure(server.origin)).toEqual({
      exitCode: 2,
      lines: ['invalid_request: Not valid; see [2J errors.', 'until: must be after since', 'is odd'],
    });
  });

  it.each([
    [401, 'unauthorized', 'set LIFECYCLE_WATCHER_TOKEN, or use --token'],
    [403, 'forbidden', undefined],
  ])('names the scope that is needed after a response of %i', async (status, code, hint) => {
    await using server = await problem(status, { code, detail: 'No.' });
    expect(await failure(server.origin, { scope: 'admin' })).toEqual({
      exitCode: 1,
      lines: [
        `${code}: No.`,
        'a token with the scope admin is needed',
        ...(hint === undefined ? [] : [hint]),
      ],
    });
  });

  it('names the address if nothing listens there', async () => {
    const server = await startHttpServer(() => undefined);
    await server[Symbol.asyncDispose]();
    const { lines, exitCode } = await failure(server.origin);
    expect(exitCode).toBe(1);
    expect(lines).toEqual([expect.stringMatching(`^no answer from ${server.origin}: .*ECONNREFUSED`)]);
    const named = server.origin.replace('127.0.0.1', 'localhost');
    expect((await failure(named)).lines).toEqual([
      expect.stringMatching(`^no answer from ${named}: .*ECONNREFUSED`),
    ]);
  });

  it.each<[string, (url: string) => Parameters<typeof startHttpServer>[0], RegExp]>([
    [
      'an error page of a proxy',
      () => (_q, response) => void response.writeHead(502).end('<html>'),
      /502, but not like/,
    ],
    [
      'a page',
      () => (_q, response) => void response.end('<html>'),
      /200 with content that this version does not/,
    ],
    [
      'a response of another program',
      () => (_q, response) => void response.end('{}'),
      /200 with content that this version does not/,
    ],
    [
      'half a response',
      () => (_q, response) =>
        void response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
      /no answer from/,
    ],
  ])('fails for %s', async (_case, answerOf, reason) => {
    await using server = await startHttpServer(answerOf(''));
    expect((await failure(server.origin)).lines).toEqual([expect.stringMatching(reason)]);
  });

  it('does not send its token to the target of a redirect', async () => {
    const followed: unknown[] = [];
    await using elsewhere = await startHttpServer((request, response) => {
      followed.push(request.url);
      response.end('{"good": true}');
    });
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(307, { location: elsewhere.origin }).end();
    });
    expect((await failure(server.origin)).lines[0]).toContain('answered 307');
    expect(followed).toEqual([]);
  });

  it('does not wait longer than its time limit for a response and its body', async () => {
    await using silent = await startHttpServer(() => undefined);
    expect((await failure(silent.origin, { timeoutMs: 50 })).lines[0]).toMatch(/no answer within 50 ms/);
    await using endless = await startHttpServer((_request, response) => void response.write('{'));
    expect((await failure(endless.origin, { timeoutMs: 200 })).lines[0]).toMatch(/no answer within 200 ms/);
  });

  it('rejects with the reason of its signal', async () => {
    await using silent = await startHttpServer(() => undefined);
    const client = createDaemonClient({ url: silent.origin });
    const asking = client.ask(answer, '/', { scope: 'read', signal: AbortSignal.timeout(20) });
    await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it.each([
    'nonsense',
    'ftp://127.0.0.1/',
    '127.0.0.1:8080',
    `http://user:${SECRET}@127.0.0.1/`,
    `http://127.0.0.1/?${SECRET}`,
  ])('refuses the address %s without repeating it', (url) => {
    expect(() => createDaemonClient({ url })).toThrow(CommandFailure);
    expect(() => createDaemonClient({ url })).not.toThrow(SECRET);
  });

  it.each([`${SECRET}\n${SECRET}`, `${SECRET} `, `${SECRET}é`])(
    'refuses a token that does not fit into a header',
    (token) => {
      expect(() => createDaemonClient({ url: 'http://127.0.0.1', token })).toThrow(
        'characters that are not allowed',
      );
    },
  );
});
