import type { Daemon } from './daemon.ts';
import { writeConfig } from './daemon.ts';

/** The line of the log that reports the outcome of a reload. */
export interface ReloadLogLine {
  readonly level: number;
  readonly msg: string;
  readonly faults?: readonly string[];
  readonly changed?: readonly string[];
  readonly targets?: Changes;
  readonly endpoints?: Changes;
}

interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

const isReloadLine = (line: string) => /"msg":"configuration (not )?reloaded/.test(line);

export const reloadLogLines = (daemon: Daemon): readonly ReloadLogLine[] =>
  daemon
    .lines()
    .filter(isReloadLine)
    .map((line) => JSON.parse(line) as ReloadLogLine);

/** Sends a signal to a running daemon. */
export function signal(daemon: Pick<Daemon, 'pid'>, name: NodeJS.Signals): void {
  if (daemon.pid === undefined) throw new Error('the daemon has no process');
  process.kill(daemon.pid, name);
}

/** Makes the daemon read its configuration again, and returns the log line with the outcome. */
export async function sendHangup(daemon: Daemon): Promise<ReloadLogLine> {
  const before = daemon.lines().length;
  signal(daemon, 'SIGHUP');
  const line = await daemon.line((text) => isReloadLine(text) && daemon.lines().lastIndexOf(text) >= before);
  return JSON.parse(line) as ReloadLogLine;
}

/** Makes the daemon read a new configuration, and returns the log line with the outcome. */
export async function reload(
  daemon: Daemon,
  directory: string,
  config: Readonly<Record<string, unknown>>,
): Promise<ReloadLogLine> {
  await writeConfig(directory, config);
  return sendHangup(daemon);
}

/** Returns the samples of /metrics by name and labels, without the prefix of the names. */
export async function samplesOf(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  return new Map(
    Array.from(text.matchAll(/^lifecycle_watcher_(\S+) (\S+)$/gm), ([, name = '', value]) => [
      name,
      Number(value),
    ]),
  );
}
