#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { Command, CommanderError } from 'commander';
import { hangupBell } from './commands/terminal/hangups.ts';
import { hideSecrets } from './commands/terminal/hide-secrets.ts';
import { printError } from './commands/terminal/print-error.ts';
import { untilStopped } from './commands/terminal/until-stopped.ts';
import { enlargeThreadPool } from './runtime/thread-pool.ts';
import { VERSION } from './runtime/version.ts';

const WRONG_USAGE = 2;
/**
 * Node gives each address of a name but the last this long to accept a connection, by default 250 ms, and then never tries it
 * again (https://github.com/nodejs/node/issues/54359). It applies to AWS and to commands; deliveries connect in their own way.
 */
const ADDRESS_LIMIT_MS = 2000;

/** Loads each command on demand: a health check that runs every few seconds must not load the whole daemon. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => {
    // A signal may arrive while the daemon is still being loaded.
    const signals = { stopped: untilStopped(), hangups: hangupBell() };
    enlargeThreadPool(process.env);
    return (await import('./commands/run.ts')).runCommand(signals);
  },
  'check-config': async () => (await import('./commands/check-config.ts')).checkConfigCommand(),
  demo: async () => (await import('./commands/demo/command.ts')).demoCommand(),
  simulate: async () => (await import('./commands/simulate/command.ts')).simulateCommand(),
  receive: async () => (await import('./commands/receive.ts')).receiveCommand(),
  wait: async () => (await import('./commands/wait/command.ts')).waitCommand(),
  track: async () => (await import('./commands/track/command.ts')).trackCommand(),
  list: async () => (await import('./commands/list.ts')).listCommand(),
  show: async () => (await import('./commands/show.ts')).showCommand(),
  resend: async () => (await import('./commands/resend.ts')).resendCommand(),
  backup: async () => (await import('./commands/backup/command.ts')).backupCommand(),
  healthcheck: async () => (await import('./commands/healthcheck.ts')).healthcheckCommand(),
};

setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_LIMIT_MS);

const program = new Command('lifecycle-watcher')
  .description('Watches EC2 Image Builder lifecycle executions and reports every change of their status.')
  .helpCommand('help [command]', 'Show the help of a command')
  .version(VERSION);

hideSecrets();

const wanted = COMMANDS[process.argv[2] ?? ''];
const loaders = wanted === undefined ? Object.values(COMMANDS) : [wanted];
for (const load of loaders) program.addCommand((await load()).exitOverride());

// A reader such as `head` may close the pipe early, and then there is nobody left to write to. The log has its own way out.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') printError(`standard output cannot be written: ${error.message}`);
  process.exit(1);
});
// There is no other place for messages, and the exit code says what matters.
process.stderr.on('error', () => undefined);

try {
  await program.exitOverride().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
}
