import { join } from 'node:path';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { SOLE_TERM } from '../../src/store/store.ts';
import type { Daemon } from './daemon.ts';
import { startDaemon, temporaryDirectory, writeConfig } from './daemon.ts';
import { startFakeReceiver } from './fake-receiver.ts';
import { openStoreAt } from './store.ts';
import { ENV, configOf } from './watch-one-target.ts';

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

interface TargetJson {
  readonly name: string;
  readonly paused: boolean;
  readonly problem?: { readonly kind: string };
  readonly requestsPerSecond: number;
  readonly ceiling: number;
  readonly tracked: number;
}

/** The targets of the daemon, as its API lists them. */
export const targetsOf = async (daemon: Daemon) =>
  (await daemon.api<{ targets: readonly TargetJson[] }>('GET', '/v1/targets')).targets;

/** Stores a learnt rate, so that the test need not wait until the daemon has learnt one. */
export async function storeRate(directory: string, perSecond = 20): Promise<void> {
  await using store = await openStoreAt(join(directory, 'watcher.db'));
  await store.ledgerOf({ accountId: '123456789012', region: 'us-east-1' }, SOLE_TERM).saveRate({ perSecond });
}

/** Starts a daemon with one target and one endpoint, and a learnt rate. */
export async function startWatching(learntPerSecond = 20, aws: SimulatorOptions = {}) {
  await using starting = new AsyncDisposableStack();
  const directory = starting.use(await temporaryDirectory());
  await storeRate(directory.path, learntPerSecond);
  const simulator = starting.use(await startSimulator(aws));
  const receiver = starting.use(await startFakeReceiver());
  const config = configOf(simulator.url, receiver.url);
  const daemon = starting.use(await startDaemon(directory.path, config, ENV));
  const running = starting.move();
  const end = () => running.disposeAsync();
  return { directory, simulator, receiver, config, daemon, [Symbol.asyncDispose]: end };
}

/** The timeline of an execution that does not end. */
export const RUNNING = [{ status: 'IN_PROGRESS', afterMs: 0 }] as const;
/** The timeline of an execution that has failed at once. */
export const ENDED = [{ status: 'FAILED', afterMs: 0 }] as const;
/** A reload that changed nothing of a kind. */
export const NO_CHANGES = { added: [], removed: [], changed: [] };
