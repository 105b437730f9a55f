import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from './daemon.ts';

const run = promisify(execFile);
const SOURCE = new URL('../bench/preload/slow-sync.c', import.meta.url).pathname;

/** The shim cannot be compiled because this machine has no `cc`. */
export class NoCompilerError extends Error {
  constructor(options?: ErrorOptions) {
    super('a C compiler is needed to slow down the disk: there is no cc on the PATH', options);
  }
}

export interface SlowSyncOptions {
  /** Milliseconds added to each fsync and fdatasync. Default: 0. */
  readonly slowMs?: number;
  /** Both fail with EIO while a file of this name exists. */
  readonly failFile?: string;
  /** Each call appends a line of JSON to this file; see `slow-sync.c` for its members. */
  readonly logFile?: string;
}

/**
 * Compiles the shim that slows down fsync and fdatasync or makes them fail, into a temporary directory. Rejects with
 * `NoCompilerError` if there is no C compiler.
 */
export async function compileSlowSync() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const library = join(directory.path, 'slow-sync.so');
  const options = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', library, SOURCE, '-ldl'];
  await run('cc', options).catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw isMissing ? new NoCompilerError({ cause: error }) : error;
  });
  /** Returns the environment for a program whose disk is slow or fails. */
  const env = ({
    slowMs = 0,
    failFile = '',
    logFile = '',
  }: SlowSyncOptions): Readonly<Record<string, string>> => ({
    LD_PRELOAD: library,
    SLOW_SYNC_MS: String(slowMs),
    FAIL_SYNC_FILE: failFile,
    SLOW_SYNC_LOG: logFile,
  });

  // The loader silently ignores a library that it cannot load, for example on a disk mounted with noexec. A loaded shim starts
  // its log at once.
  const logFile = join(directory.path, 'loaded.log');
  const { stderr } = await run(process.execPath, ['--version'], { env: env({ logFile }) });
  if (!existsSync(logFile)) throw new Error(`the shim that slows down the disk was not loaded: ${stderr}`);

  const open = opening.move();
  return {
    env,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

export type SlowSync = Awaited<ReturnType<typeof compileSlowSync>>;
