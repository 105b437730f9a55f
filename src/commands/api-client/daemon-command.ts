import { Command, Option } from 'commander';
import { urlOption } from '../terminal/daemon-url.ts';
import { printError } from '../terminal/print-error.ts';
import { CommandFailure } from './failure.ts';
import { createDaemonClient } from './client.ts';
import type { DaemonClient, DaemonOptions } from './client.ts';

/** Creates a command that talks to a running daemon: it takes the daemon's address and a token, and shows `example` in its help. */
export function daemonCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .addOption(urlOption())
    .addOption(
      new Option(
        '--token <token>',
        'API token; prefer the environment variable, because a shell keeps command lines in its history',
      ).env('LIFECYCLE_WATCHER_TOKEN'),
    )
    .addHelpText(
      'after',
      `\nExample${example.includes('\n') ? 's' : ''}:\n${example.replaceAll(/^/gm, '  ')}`,
    );
}

/** Does the work of such a command and sets the exit code. Prints a `CommandFailure` to standard error. */
export async function withDaemon(
  options: DaemonOptions,
  work: (daemon: DaemonClient) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await work(createDaemonClient(options));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    printError(error.message, ...error.details);
    process.exitCode = error.exitCode;
  }
}

/** The API path of an execution or, with `rest`, of something below it. */
export function executionPath(id: string, target: string | undefined, rest = ''): string {
  return `/v1/executions/${id}${rest}${target === undefined ? '' : `?target=${encodeURIComponent(target)}`}`;
}
