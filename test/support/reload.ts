import type { Daemon } from './daemon.ts';
import { writeConfig } from './daemon.ts';

/** A line of the log that says how a reload ended. */
export interface ReloadTold {
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

const isTold = (line: string) => /"msg":"configuration (not )?reloaded/.test(line);

export const reloadsTold = (daemon: Daemon): readonly ReloadTold[] =>
  daemon
    .lines()
    .filter(isTold)
    .map((line) => JSON.parse(line) as ReloadTold);

/** Sends the signal to a daemon that runs. */
export function signal(daemon: Pick<Daemon, 'pid'>, name: NodeJS.Signals): void {
  if (daemon.pid === undefined) throw new Error('the daemon has no process');
  process.kill(daemon.pid, name);
}

/** Has the daemon read its configuration again; how that ended. */
export async function hangUp(daemon: Daemon): Promise<ReloadTold> {
  const before = daemon.lines().length;
  signal(daemon, 'SIGHUP');
  const line = await daemon.line((text) => isTold(text) && daemon.lines().lastIndexOf(text) >= before);
  return JSON.parse(line) as ReloadTold;
}

/** The same with another configuration. */
export async function reload(
  daemon: Daemon,
  directory: string,
  config: Readonly<Record<string, unknown>>,
): Promise<ReloadTold> {
  await writeConfig(directory, config);
  return hangUp(daemon);
}

/** Samples of /metrics without the prefix, by name and labels. */
export async function samplesOf(daemon: Daemon): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${daemon.url}/metrics`)).text();
  return new Map(
    Array.from(text.matchAll(/^lifecycle_watcher_(\S+) (\S+)$/gm), ([, name = '', value]) => [
      name,
      Number(value),
    ]),
  );
}
