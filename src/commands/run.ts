import { Command } from 'commander';
import { startApp } from '../app.ts';
import type { App } from '../app.ts';
import { configPath, formatFaults, loadConfig } from '../config/load.ts';
import { createLog } from '../runtime/log.ts';

/** The daemon, which `stopped` ends. Exit code 0 after a stop by signal, 1 where it cannot start, 2 for a faulty configuration. */
export function runCommand(stopped: Promise<NodeJS.Signals>): Command {
  return new Command('run')
    .description('the daemon: polls what it is told of, and tells of every change')
    .option('--config <file>', 'configuration (default: LIFECYCLE_WATCHER_CONFIG, else config/watcher.yaml)')
    .addHelpText('after', '\nExample:\n  lifecycle-watcher run --config config/watcher.yaml')
    .action(async (options: { readonly config?: string }) => {
      process.exitCode = await run(options.config, stopped);
    });
}

async function run(flag: string | undefined, stopped: Promise<NodeJS.Signals>): Promise<0 | 1 | 2> {
  const loaded = await loadConfig({ file: configPath(flag, process.env), env: process.env });
  if (!loaded.ok) {
    process.stderr.write(formatFaults(loaded));
    return 2;
  }
  const log = createLog(loaded.config.log.level);
  let app: App;
  try {
    app = await startApp(loaded.config, log);
  } catch (error) {
    process.stderr.write(
      `lifecycle-watcher: cannot start: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
  // Whoever started it waits for these lines, whatever level it asked for.
  const always = log.child({}, { level: 'info' });
  for (const address of app.addresses) always.info(address, 'listening');
  log.info({ signal: await stopped }, 'stopping');
  await app.stop();
  log.info('stopped');
  return 0;
}
