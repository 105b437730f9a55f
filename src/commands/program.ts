import { Command } from 'commander';
import { enlargeThreadPool } from '../runtime/thread-pool.ts';
import { VERSION } from '../runtime/version.ts';
import { hangupBell } from './terminal/hangups.ts';
import { untilStopped } from './terminal/until-stopped.ts';

/** Loads each command on demand: a health check that runs every few seconds must not load the whole daemon. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => {
    // A signal may arrive while the daemon is still being loaded.
    const signals = { stopped: untilStopped(), hangups: hangupBell() };
    enlargeThreadPool(process.env);
    return (await import('./run.ts')).runCommand(signals);
  },
  'check-config': async () => (await import('./check-config.ts')).checkConfigCommand(),
  demo: async () => (await import('./demo/command.ts')).demoCommand(),
  simulate: async () => (await import('./simulate/command.ts')).simulateCommand(),
  receive: async () => (await import('./receive.ts')).receiveCommand(),
  wait: async () => (await import('./wait/command.ts')).waitCommand(),
  track: async () => (await import('./track/command.ts')).trackCommand(),
  list: async () => (await import('./list.ts')).listCommand(),
  show: async () => (await import('./show.ts')).showCommand(),
  resend: async () => (await import('./resend.ts')).resendCommand(),
  backup: async () => (await import('./backup/command.ts')).backupCommand(),
  healthcheck: async () => (await import('./healthcheck.ts')).healthcheckCommand(),
};

/** Creates the program with the command `wanted` or, if there is no such command, with all of them. */
export async function createProgram(wanted = ''): Promise<Command> {
  const program = new Command('lifecycle-watcher')
    .description('Watches EC2 Image Builder lifecycle executions and reports every change of their status.')
    .helpCommand('help [command]', 'Show the help of a command')
    .version(VERSION)
    .exitOverride();
  const loader = COMMANDS[wanted];
  const loaders = loader === undefined ? Object.values(COMMANDS) : [loader];
  for (const load of loaders) program.addCommand((await load()).exitOverride());
  return program;
}
