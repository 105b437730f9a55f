import { Command } from 'commander';
import { startApp } from '../app/start.ts';
import type { App } from '../app/start.ts';
import { configPath, formatFaults, loadConfig } from '../config/load.ts';
import { endsWithin } from '../runtime/abort.ts';
import type { Bell } from '../runtime/bell.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLog } from '../runtime/log.ts';
import { messageOf } from '../runtime/message.ts';
import { configOption } from './terminal/arguments.ts';
import { printError } from './terminal/print-error.ts';

/**
 * The daemon promises to end within 20 s of a SIGTERM, even if the disk delays the last writes. A sync that is under way
 * delays the exit itself, so the limit is lower.
 */
const STOP_LIMIT_MS = 17_500;

export interface RunSignals {
  /** Resolves when the daemon must stop. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Rings when the daemon must read its configuration again. */
  readonly hangups: Bell;
}

/** The daemon. Exits with 0 after a signal, 1 if it cannot start, 2 if the configuration is faulty. */
export function runCommand(signals: RunSignals): Command {
  return new Command('run')
    .description('Run the daemon: poll the registered executions and report every change of status')
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  lifecycle-watcher run --config config/watcher.yaml')
    .action(async (options: { readonly config?: string }) => {
      process.exitCode = await run(configPath(options.config, process.env), signals);
    });
}

async function run(file: string, { stopped, hangups }: RunSignals): Promise<0 | 1 | 2> {
  const loaded = await loadConfig({ file, env: process.env });
  if (!loaded.ok) {
    process.stderr.write(formatFaults(loaded));
    return 2;
  }
  const log = createLog(loaded.config.log.level);
  let app: App;
  try {
    app = await startApp(loaded.config, log);
  } catch (error) {
    printError(`cannot start: ${messageOf(error)}`);
    return 1;
  }
  // Scripts wait for these lines, so they are written at every log level.
  const always = log.child({}, { level: 'info' });
  for (const address of app.addresses) always.info(address, 'listening');
  const stopping = new AbortController();
  const reloading = reloadAtHangups(app, file, hangups, stopping.signal);
  log.info({ signal: await stopped }, 'stopping');
  stopping.abort();
  if (!(await endsWithin(Promise.all([app.stop(), reloading]), systemClock, STOP_LIMIT_MS))) {
    log.warn('stopped before all work had ended; the rest is done after the next start');
    process.exit(0);
  }
  log.info('stopped');
  return 0;
}

/**
 * Reloads the configuration at each hangup until `stopping` aborts, one reload at a time. All hangups that arrive before
 * the start or during a reload cause one more reload.
 */
async function reloadAtHangups(app: App, file: string, hangups: Bell, stopping: AbortSignal): Promise<void> {
  for (;;) {
    await hangups.wait(systemClock, Infinity, stopping);
    if (stopping.aborted) return;
    await app.reload(await loadConfig({ file, env: process.env }));
  }
}
