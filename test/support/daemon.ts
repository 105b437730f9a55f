import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expectDescribed } from './openapi.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** The environment of the daemon under test: credentials that only the simulator accepts, and no AWS settings of this machine. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  NODE_NO_WARNINGS: '1',
};

const LINE_LIMIT_MS = 30_000;

/** Creates a directory that is removed when it is disposed of. */
export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'lifecycle-watcher-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a command of lifecycle-watcher, by way of `wrapper` if given, and collects its output line by line. */
export function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  wrapper: readonly string[] = [],
) {
  const [file = '', ...others] = [...wrapper, process.execPath, MAIN, ...args];
  return startProgram(file, others, { ...ENVIRONMENT, ...env });
}

/** Starts any program and collects its output line by line. */
export function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: string[] = [];
  const errors: string[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on('line', (line) => {
    out.push(line);
    for (const check of waiting) check();
  });
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const ended: Promise<Ended> = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: out.join('\n'),
    stderr: errors.join('\n'),
  }));
  const isRunning = () => child.exitCode === null && child.signalCode === null;

  return {
    pid: child.pid,
    isRunning,
    ended,
    lines: (): readonly string[] => out,
    /** Returns the first line of standard output that passes. Rejects if there is none after 30 s, or when the program ends. */
    async line(passes: (line: string) => boolean): Promise<string> {
      const found = Promise.withResolvers<string>();
      const check = () => {
        const line = out.find(passes);
        if (line !== undefined) found.resolve(line);
      };
      waiting.add(check);
      check();
      const limit = setTimeout(() => {
        found.reject(new Error(`no such line within ${LINE_LIMIT_MS} ms: ${out.join('\n')}`));
      }, LINE_LIMIT_MS);
      void ended.then(({ code, stderr }) =>
        found.reject(new Error(`ended with code ${String(code)} before it printed such a line: ${stderr}`)),
      );
      try {
        return await found.promise;
      } finally {
        waiting.delete(check);
        clearTimeout(limit);
      }
    },
    async kill(signal: NodeJS.Signals): Promise<Ended> {
      if (isRunning()) child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      if (isRunning()) child.kill('SIGKILL');
      await ended;
    },
  };
}

export const TOKEN = 'token-of-the-tests-only';

/** Writes a configuration file into the directory, with a token and a database of its own, and returns its path. */
export async function writeConfig(
  directory: string,
  config: Readonly<Record<string, unknown>>,
): Promise<string> {
  const file = join(directory, 'watcher.yaml');
  const whole = {
    server: { port: 0, tokens: [{ name: 'tests', scopes: ['admin'], value: { env: 'TEST_TOKEN' } }] },
    store: { sqlite: { path: join(directory, 'watcher.db') } },
    ...config,
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(whole));
  return file;
}

/** Starts the daemon with this configuration and waits until it listens. */
export async function startDaemon(
  directory: string,
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
  wrapper: readonly string[] = [],
) {
  const file = await writeConfig(directory, config);
  const command = startCommand(['run', '--config', file], { TEST_TOKEN: TOKEN, ...env }, wrapper);
  const line = await command.line((text) => text.includes('"listening"') && text.includes('"server"'));
  const { host, port } = JSON.parse(line) as { host: string; port: number };
  const url = `http://${host}:${port}`;
  return { ...command, url, api: apiAt(url) };
}

/** Returns a function that sends requests to the API of the daemon at `url`. */
export function apiAt(url: string) {
  /** Returns the JSON of the answer. Rejects if the status is not 2xx, or if the answer does not match the OpenAPI document. */
  return async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await expectDescribed(method, path, response);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
}

export type Daemon = Awaited<ReturnType<typeof startDaemon>>;
