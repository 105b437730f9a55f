import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { healthcheckCommand } from '../../src/commands/healthcheck.ts';
import { serve } from '../support/serve.ts';

let told = '';

beforeEach(() => {
  told = '';
  process.exitCode = undefined;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += String(text);
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
])('a URL that ends in "%s" asks %s', async (path, expected) => {
  const asked: (string | undefined)[] = [];
  await using server = await serve((request, response) => {
    asked.push(request.url);
    response.end('{}');
  });
  expect(await check(server.url + path)).toBeUndefined();
  expect(asked).toEqual([expected]);
  expect(told).toBe('');
});

test('LIFECYCLE_WATCHER_URL says what to ask where no flag does', async () => {
  await using server = await serve((_request, response) => response.end('{}'));
  vi.stubEnv('LIFECYCLE_WATCHER_URL', server.url);
  await healthcheckCommand().parseAsync([], { from: 'user' });
  expect(process.exitCode).toBeUndefined();
  vi.stubEnv('LIFECYCLE_WATCHER_URL', 'nowhere');
  await healthcheckCommand().parseAsync([], { from: 'user' });
  expect(process.exitCode).toBe(2);
});

test.each([503, 404, 204, 302])('an answer %i is not healthy', async (status) => {
  await using server = await serve((_request, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  expect(await check(server.url)).toBe(1);
  expect(told).toBe(`lifecycle-watcher: not healthy: answered ${status}\n`);
});

test('nobody listening is told in one line', async () => {
  const server = await serve(() => undefined);
  await server[Symbol.asyncDispose]();
  expect(await check(server.url)).toBe(1);
  expect(told).toMatch(/^lifecycle-watcher: not healthy: .*ECONNREFUSED.*\n$/);
});

test('a connection that is cut is told in one line', async () => {
  await using server = await serve((request) => request.socket.destroy());
  expect(await check(server.url)).toBe(1);
  expect(told).toMatch(/^lifecycle-watcher: not healthy: .+\n$/);
});

test('an answer that does not come in time is not waited for', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(
    AbortSignal.abort(new DOMException('too late', 'TimeoutError')),
  );
  await using server = await serve(() => undefined);
  expect(await check(server.url)).toBe(1);
  expect(told).toBe('lifecycle-watcher: not healthy: no answer within 5 s\n');
});

test.each(['nonsense', 'ftp://127.0.0.1/', '127.0.0.1:8080'])('%s is wrong usage', async (url) => {
  expect(await check(url)).toBe(2);
  expect(told).toContain('not an http or https URL');
});
