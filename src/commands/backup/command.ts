import type { Command } from 'commander';
import type { DaemonClient, DaemonOptions } from '../api-client/client.ts';
import { daemonCommand, withDaemon } from '../api-client/client-command.ts';
import { CommandFailure } from '../api-client/failure.ts';
import { createNewFile } from './new-file.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { signalExitCode } from '../wait/exit-codes.ts';

interface BackupOptions extends DaemonOptions {
  readonly force?: boolean;
}

/** While the copy is made nothing comes: a minute is some 20 GB. After that, so long without a byte is a broken connection. */
const IDLE_LIMIT_MS = 300_000;
const SQLITE_TYPE = 'application/vnd.sqlite3';

/** A consistent copy of the daemon's SQLite store, as a file of this machine. */
export function backupCommand(): Command {
  return daemonCommand(
    'backup',
    'copies the SQLite store of a running daemon to a file on this machine; needs the scope admin',
    'lifecycle-watcher backup watcher-2026-11-23.db',
  )
    .argument('<file>', 'to be made; where it exists it is left alone')
    .option('--force', 'replace the file where it exists')
    .addHelpText(
      'after',
      `
The copy is all of one moment, readable by its owner alone, and there as a whole or not at all. To restore it, stop the daemon,
put it in the place of the database (without the -wal and -shm files beside that), and start.`,
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
    await using made = await createNewFile(file, { mayReplace: force === true });
    const bytes = await receive(daemon, made.write, stopping);
    await made.keep();
    process.stdout.write(`${file}: ${(bytes / 1e6).toFixed(1)} MB\n`);
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return signalExitCode(await stopped);
    throw error;
  }
}

/** What ends it is a signal: of this there is nothing to tell. */
class Stopped extends Error {}

/** Has the store sent and hands on what comes, to the last byte; returns how many there were. */
async function receive(
  daemon: DaemonClient,
  write: (chunk: Uint8Array) => Promise<void>,
  stopping: AbortController,
): Promise<number> {
  const { signal } = stopping;
  const idle = new CommandFailure(`${daemon.url} has sent nothing for ${IDLE_LIMIT_MS / 60_000} min`);
  const timer = setTimeout(() => stopping.abort(idle), IDLE_LIMIT_MS);
  try {
    const response = await daemon.open('/v1/backup', { scope: 'admin', method: 'POST', signal });
    if (response.headers.get('content-type') !== SQLITE_TYPE)
      throw new CommandFailure(`${daemon.url} sends something else than a store`);
    const expected = Number(response.headers.get('content-length') ?? NaN);
    let bytes = 0;
    for await (const chunk of chunksOf(response, daemon.url, signal)) {
      timer.refresh();
      await write(chunk);
      bytes += chunk.length;
    }
    if (bytes === expected) return bytes;
    throw new CommandFailure(`${daemon.url} sent ${bytes} bytes of ${expected}`);
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf({ body }: Response, url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? [];
  } catch {
    signal.throwIfAborted();
    throw new CommandFailure(`the connection to ${url} broke before its end`);
  }
}
