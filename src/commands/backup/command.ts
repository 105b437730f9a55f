import type { Command } from 'commander';
import type { DaemonClient, DaemonOptions } from '../api-client/client.ts';
import { daemonCommand, withDaemon } from '../api-client/daemon-command.ts';
import { CommandFailure } from '../api-client/failure.ts';
import { createNewFile } from './new-file.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { signalExitCode } from '../wait/exit-codes.ts';

interface BackupOptions extends DaemonOptions {
  readonly force?: boolean;
}

/** No bytes arrive while the daemon makes the copy, which takes about a minute per 20 GB. Later, such a silence means a broken connection. */
const IDLE_LIMIT_MS = 300_000;
const SQLITE_TYPE = 'application/vnd.sqlite3';

/** Copies the daemon's SQLite store to a local file. */
export function backupCommand(): Command {
  return daemonCommand(
    'backup',
    'Copy the SQLite store of a running daemon to a local file',
    'lifecycle-watcher backup watcher-2026-11-23.db',
  )
    .argument('<file>', 'file to create; an existing file is kept unless --force is given')
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      `
The token needs the scope admin. The copy is a consistent snapshot that only its owner can read, and the file appears only
once it is complete. To restore it, stop the daemon, replace the database with the copy, delete the -wal and -shm files next
to the database, and start the daemon.`,
    )
    .action((file: string, options: BackupOptions) =>
      withDaemon(options, (daemon) => backUp(daemon, file, options)),
    );
}

async function backUp(daemon: DaemonClient, file: string, { force }: BackupOptions): Promise<number> {
  const stopping = new AbortController();
  const stopped = untilStopped();
  void stopped.then(() => stopping.abort(new Stopped()));
  try {
    await using copy = await createNewFile(file, { mayReplace: force === true });
    const bytes = await download(daemon, copy.write, stopping);
    await copy.keep();
    process.stdout.write(`${file}: ${(bytes / 1e6).toFixed(1)} MB\n`);
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return signalExitCode(await stopped);
    throw error;
  }
}

/** The reason for an abort by a signal, which needs no message. */
class Stopped extends Error {}

/** Requests a copy of the store and writes it, complete to the last byte. Returns the number of bytes. */
async function download(
  daemon: DaemonClient,
  write: (chunk: Uint8Array) => Promise<void>,
  stopping: AbortController,
): Promise<number> {
  const { signal } = stopping;
  const idle = new CommandFailure(`${daemon.url} sent nothing for ${IDLE_LIMIT_MS / 60_000} min`);
  const timer = setTimeout(() => stopping.abort(idle), IDLE_LIMIT_MS);
  try {
    const response = await daemon.open('/v1/backup', { scope: 'admin', method: 'POST', signal });
    if (response.headers.get('content-type') !== SQLITE_TYPE)
      throw new CommandFailure(`${daemon.url} sent something other than an SQLite store`);
    const expected = Number(response.headers.get('content-length') ?? NaN);
    let bytes = 0;
    for await (const chunk of chunksOf(response, daemon.url, signal)) {
      timer.refresh();
      await write(chunk);
      bytes += chunk.length;
    }
    if (bytes === expected) return bytes;
    throw new CommandFailure(`${daemon.url} sent only ${bytes} of ${expected} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf({ body }: Response, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch {
    signal.throwIfAborted();
    throw new CommandFailure(`the connection to ${url} broke before the copy was complete`);
  }
}
