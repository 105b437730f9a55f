import { Command } from 'commander';
import { webhookSecretFault } from '../config/secrets.ts';
import { defined } from '../runtime/defined.ts';
import { createLog, errorFields } from '../runtime/log.ts';
import { wholeNumber } from './terminal/arguments.ts';
import { printError } from './terminal/print-error.ts';
import { startReceiver } from '../receiver/receiver.ts';
import type { Receiver } from '../receiver/receiver.ts';
import { untilStopped } from './terminal/until-stopped.ts';

const DEFAULT_PORT = 8090;

interface ReceiveOptions {
  readonly host: string;
  readonly port: number;
  readonly secret?: string;
}

/** A reference receiver. Exits with 0 after a signal, 1 if it cannot listen, 2 if the secret is not valid. */
export function receiveCommand(): Command {
  return new Command('receive')
    .description('Run a reference receiver: verify signatures, drop repeats and print events')
    .option('--port <port>', 'port to listen on; 0 picks a free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option(
      '--secret <secret>',
      'signing secret, whsec_…; prefer the environment variable, because a shell keeps command lines in its history (default: $RECEIVER_SECRET, else a new one, which is printed)',
    )
    .addHelpText(
      'after',
      '\nExample:\n  RECEIVER_SECRET=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz lifecycle-watcher receive --port 8090',
    )
    .action(async (options: ReceiveOptions) => {
      process.exitCode = await receive(options);
    });
}

async function receive({ host, port, secret: flag }: ReceiveOptions): Promise<0 | 1 | 2> {
  const secret = flag ?? process.env['RECEIVER_SECRET'];
  const fault = secret === undefined ? undefined : webhookSecretFault(secret);
  if (fault !== undefined) {
    printError(`the receiver's secret ${fault}`);
    return 2;
  }
  const log = createLog('info');
  // Signals are handled before the port is announced: a script that reads the announcement may send one at once.
  const stopped = untilStopped();
  let receiver: Receiver;
  try {
    receiver = await startReceiver({
      host,
      port,
      ...defined({ secret }),
      onEvent({ event }, { duplicate }) {
        if (duplicate) return;
        const { id, type, subject, executionsequence } = event;
        log.info({ part: 'receiver', id, type, subject, executionsequence, event }, 'event');
      },
    });
  } catch (error) {
    printError(`cannot listen on ${host} port ${port}: ${errorFields(error).error}`);
    return 1;
  }
  await using _closing = receiver;
  // The secret goes to standard error, so that it never gets into the log.
  if (secret === undefined) process.stderr.write(`generated a secret for this run: ${receiver.secret}\n`);
  log.info({ part: 'receiver', host: receiver.host, port: receiver.port }, 'listening');
  await stopped;
  const { received, duplicates: repeats, rejected } = receiver.counts;
  log.info({ part: 'receiver', received, repeats, rejected }, 'stopped');
  return 0;
}
