import { Command, Option } from 'commander';
import { complain } from '../terminal/complain.ts';
import { CommandFailure } from './failure.ts';
import { DEFAULT_URL, createDaemonClient } from './client.ts';
import type { DaemonClient, DaemonOptions } from './client.ts';

/** A command that asks a running daemon: with its address, its token, and `example` in its help. */
export function daemonCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--url <url>', 'address of the daemon').env('LIFECYCLE_WATCHER_URL').default(DEFAULT_URL),
    )
    .addOption(
      new Option('--token <token>', 'token of its API; others may see what stands in a command').env(
        'LIFECYCLE_WATCHER_TOKEN',
      ),
    )
    .addHelpText('after', `\nExample:\n${example.replaceAll(/^/gm, '  ')}`);
}

/** Does the work of such a command, and makes its failure lines on standard error and an exit code. */
export async function withDaemon(
  options: DaemonOptions,
  work: (daemon: DaemonClient) => Promise<number>,
): Promise<void> {
  try {
    const url = options.url === '' ? DEFAULT_URL : options.url;
    process.exitCode = await work(createDaemonClient({ ...options, url }));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    complain(error.message, ...error.more);
    process.exitCode = error.exitCode;
  }
}

/** The path of an execution. */
export function executionPath(id: string, target: string | undefined, rest = ''): string {
  return `/v1/executions/${id}${rest}${target === undefined ? '' : `?target=${encodeURIComponent(target)}`}`;
}
