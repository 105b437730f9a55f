import { Command } from 'commander';
import { startApp } from '../app/start.ts';
import type { App } from '../app/start.ts';
import { configPath, formatFaults, loadConfig } from '../config/load.ts';
import { endsWithin } from '../runtime/abort.ts';
import type { Bell } from '../runtime/bell.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLog } from '../runtime/log.ts';
import { messageOf } from '../runtime/message.ts';

/**
 * Whoever sends a SIGTERM is promised an end within 20 s, even if the disk holds up what is left to write. A sync under way
 * holds up the very end, too.
 */
const STOP_LIMIT_MS = 17_500;

export interface RunSignals {
  /** Ends the daemon. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Has it read its configuration again. */
  readonly hangups: Bell;
}

/** The daemon. Exit code 0 after a stop by signal, 1 where it cannot start, 2 for a faulty configuration. */
export function runCommand(signals: RunSignals): Command {
  return new Command('run')
    .description('the daemon: polls what it is told of, and tells of every change')
    .option('--config <file>', 'configuration (default: LIFECYCLE_WATCHER_CONFIG, else config/watcher.yaml)')
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
    process.stderr.write(`lifecycle-watcher: cannot start: ${messageOf(error)}\n`);
    return 1;
  }
  // Whoever started it waits for these lines, whatever level it asked for.
  const always = log.child({}, { level: 'info' });
  for (const address of app.addresses) always.info(address, 'listening');
  const stopping = new AbortController();
  const reloading = reloadRepeatedly(app, file, hangups, stopping.signal);
  log.info({ signal: await stopped }, 'stopping');
  stopping.abort();
  if (!(await endsWithin(Promise.all([app.stop(), reloading]), systemClock, STOP_LIMIT_MS))) {
    log.warn('stopped before everything had ended: the rest is done after the next start');
    process.exit(0);
  }
  log.info('stopped');
  return 0;
}

/** One reload after the other: of the rings while one is under way, and of those before the start, comes one more. */
async function reloadRepeatedly(app: App, file: string, hangups: Bell, stopping: AbortSignal): Promise<void> {
  for (;;) {
    await hangups.wait(systemClock, Infinity, stopping);
    if (stopping.aborted) return;
    await app.reload(await loadConfig({ file, env: process.env }));
  }
}
