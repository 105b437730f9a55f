import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readDaemonUrl } from '../../src/commands/terminal/daemon-url.ts';
import { healthcheckCommand } from '../../src/commands/healthcheck.ts';
import { startHttpServer } from '../support/listen.ts';

let errorOutput = '';

beforeEach(() => {
  errorOutput = '';
  process.exitCode = undefined;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errorOutput += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

async function check(url: string): Promise<typeof process.exitCode> {
  await healthcheckCommand().parseAsync(['--url', url], { from: 'user' });
  return process.exitCode;
}

test.each([
  ['', '/readyz'],
  ['/', '/readyz'],
  ['/readyz', '/readyz'],
  ['/livez', '/livez'],
  ['/watcher', '/watcher/readyz'],
  ['/watcher/', '/watcher/readyz'],
  ['/watcher/readyz', '/watcher/readyz'],
])('an address with the path "%s" is checked at %s', async (path, expected) => {
  const paths: (string | undefined)[] = [];
  await using server = await startHttpServer((request, response) => {
    paths.push(request.url);
    response.end('{}');
  });
  expect(await check(server.origin + path)).toBeUndefined();
  expect(paths).toEqual([expected]);
  expect(errorOutput).toBe('');
});

test('the address comes from LIFECYCLE_WATCHER_URL if there is no flag', async () => {
  await using server = await startHttpServer((_request, response) => response.end('{}'));
  vi.stubEnv('LIFECYCLE_WATCHER_URL', server.origin);
  await healthcheckCommand().parseAsync([], { from: 'user' });
  expect(process.exitCode).toBeUndefined();
  vi.stubEnv('LIFECYCLE_WATCHER_URL', '');
  expect(readDaemonUrl('')).toEqual({ url: 'http://127.0.0.1:8080' });
  await healthcheckCommand().parseAsync([], { from: 'user' });
  expect(process.exitCode).not.toBe(2);
  vi.stubEnv('LIFECYCLE_WATCHER_URL', 'nowhere');
  await healthcheckCommand().parseAsync([], { from: 'user' });
  expect(process.exitCode).toBe(2);
});

test.each([503, 404, 204, 302])('status %i means not healthy', async (status) => {
  await using server = await startHttpServer((_request, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  expect(await check(server.origin)).toBe(1);
  expect(errorOutput).toBe(`lifecycle-watcher: not healthy: answered ${status}\n`);
});

test('a refused connection is reported in one line', async () => {
  const server = await startHttpServer(() => undefined);
  await server[Symbol.asyncDispose]();
  expect(await check(server.origin)).toBe(1);
  expect(errorOutput).toMatch(/^lifecycle-watcher: not healthy: .*ECONNREFUSED.*\n$/);
});

test('a broken connection is reported in one line', async () => {
  await using server = await startHttpServer((request) => request.socket.destroy());
  expect(await check(server.origin)).toBe(1);
  expect(errorOutput).toMatch(/^lifecycle-watcher: not healthy: .+\n$/);
});

test('a daemon that does not answer in time is not healthy', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(
    AbortSignal.abort(new DOMException('too late', 'TimeoutError')),
  );
  await using server = await startHttpServer(() => undefined);
  expect(await check(server.origin)).toBe(1);
  expect(errorOutput).toBe('lifecycle-watcher: not healthy: no answer within 5 s\n');
});

test.each(['nonsense', 'ftp://127.0.0.1/', '127.0.0.1:8080', 'http://127.0.0.1/?x=1'])(
  '%s is wrong usage',
  async (url) => {
    expect(await check(url)).toBe(2);
    expect(errorOutput).toContain('the address of the daemon must');
  },
);
