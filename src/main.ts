#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { CommanderError } from 'commander';
import { createProgram } from './commands/program.ts';
import { hideSecrets } from './commands/terminal/hide-secrets.ts';
import { printError } from './commands/terminal/print-error.ts';

const WRONG_USAGE = 2;
/**
 * Node gives each address of a name but the last this long to accept a connection, by default 250 ms, and then never tries it
 * again (https://github.com/nodejs/node/issues/54359). It applies to AWS and to commands; deliveries connect in their own way.
 */
const ADDRESS_LIMIT_MS = 2000;

hideSecrets();
setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_LIMIT_MS);

// A reader such as `head` may close the pipe early, and then there is nobody left to write to. The log has its own way out.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') printError(`standard output cannot be written: ${error.message}`);
  process.exit(1);
});
// There is no other place for messages, and the exit code says what matters.
process.stderr.on('error', () => undefined);

try {
  await (await createProgram(process.argv[2])).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
}
