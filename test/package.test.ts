import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, temporaryDirectory } from './support/daemon.ts';

const run = promisify(execFile);
const ROOT = new URL('..', import.meta.url).pathname;
/** The package must not contain it. */
const PRIVATE_FILE = join(ROOT, 'config', 'local.yaml');
const SECONDS = 1000;

const environment = { ...process.env, NODE_NO_WARNINGS: '1' };

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

describe('the npm package', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let packed: Packed;
  let binary: string;
  let hasCreated = true;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    // Fails if there is such a file already, which then is the private one.
    await writeFile(PRIVATE_FILE, '', { flag: 'wx' }).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      hasCreated = false;
    });
    try {
      const flags = ['--json', '--silent', `--pack-destination=${directory.path}`];
      const { stdout } = await run('npm', ['pack', ...flags], { cwd: ROOT, env: environment });
      [packed] = JSON.parse(stdout) as [Packed];
    } finally {
      if (hasCreated) await rm(PRIVATE_FILE);
    }
    const prefix = join(directory.path, 'global');
    const tarball = join(directory.path, packed.filename);
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', `--prefix=${prefix}`];
    await run('npm', ['install', '--global', ...flags, tarball], { cwd: directory.path, env: environment });
    binary = join(prefix, 'bin', 'lifecycle-watcher');
  }, 300 * SECONDS);
  afterAll(() => directory[Symbol.asyncDispose]());

  test('contains the build, the documents and the public configuration, and nothing private', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'config/schema.json',
        'config/watcher.example.yaml',
        'dist/main.js',
        'docs/events.md',
        'src/launch.js',
      ]),
    );
    const unexpected = /^(test|node_modules|data)\/|\.ts$|\.tsbuildinfo$|config\/(local|watcher)\.yaml/;
    expect(paths.filter((path) => unexpected.test(path))).toEqual([]);
  });

  test('installs globally and runs', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { stdout } = await run(binary, ['--version'], { env: environment });
    expect(stdout).toBe(`${version}\n`);
    await using simulator = startProgram(binary, ['simulate', '--port=0'], environment);
    expect(JSON.parse(await simulator.line((line) => line.includes('"listening"')))).toMatchObject({
      part: 'simulator',
    });
  });
});
