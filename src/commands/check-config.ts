import { Command } from 'commander';
import { effectiveYaml } from '../config/effective.ts';
import { configPath, formatFaults, loadConfig } from '../config/load.ts';
import { configOption } from './terminal/arguments.ts';

const CONFIG_FAULTY = 2;

/** Prints the effective configuration with masked secrets and exits with 0, or prints every fault and exits with 2. */
export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('Check the configuration: print the effective settings, or every fault with its location')
    .addOption(configOption())
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
