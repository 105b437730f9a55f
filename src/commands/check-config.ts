import { Command } from 'commander';
import { effectiveYaml } from '../config/effective.ts';
import { configPath, formatFaults, loadConfig } from '../config/load.ts';

const CONFIG_FAULTY = 2;

/** Shows the effective configuration with its secrets masked, exit code 0; or every fault, exit code 2. */
export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('checks the configuration: shows what is in effect, or every fault with its place')
    .option('--config <file>', 'configuration (default: LIFECYCLE_WATCHER_CONFIG, else config/watcher.yaml)')
    .addHelpText('after', '\nExample:\n  lifecycle-watcher check-config --config config/watcher.yaml')
    .action(async (options: { readonly config?: string }) => {
      const loaded = await loadConfig({ file: configPath(options.config, process.env), env: process.env });
      if (loaded.ok) {
        process.stdout.write(effectiveYaml(loaded.config));
        return;
      }
      process.stderr.write(formatFaults(loaded));
      process.exitCode = CONFIG_FAULTY;
    });
}
