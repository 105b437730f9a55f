import { Command } from 'commander';
import { webhookSecretFault } from '../config/secrets.ts';
import { createLog, errorFields } from '../runtime/log.ts';
import { wholeNumber } from './terminal/arguments.ts';
import { startReceiver } from '../receiver/receiver.ts';
import type { Receiver } from '../receiver/receiver.ts';
import { untilStopped } from './terminal/until-stopped.ts';

const DEFAULT_PORT = 8090;

interface ReceiveOptions {
  readonly host: string;
  readonly port: number;
  readonly secret?: string;
}

/** A reference receiver. Exit code 0 after a stop by signal, 1 where it cannot listen, 2 for a bad secret. */
export function receiveCommand(): Command {
  return new Command('receive')
    .description('a reference receiver: verifies signatures, drops repeats, prints events')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--secret <secret>', 'whsec_… (default: RECEIVER_SECRET, else one is made and shown)')
    .addHelpText(
      'after',
      '\nExample:\n  lifecycle-watcher receive --port 8090 --secret whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz',
    )
    .action(async (options: ReceiveOptions) => {
      process.exitCode = await receive(options);
    });
}

async function receive({ host, port, secret: flag }: ReceiveOptions): Promise<0 | 1 | 2> {
  const secret = flag ?? process.env['RECEIVER_SECRET'];
  const fault = secret === undefined ? undefined : webhookSecretFault(secret);
  if (fault !== undefined) {
    process.stderr.write(`lifecycle-watcher: the receiver's secret ${fault}\n`);
    return 2;
  }
  const log = createLog('info');
  // Asked for before anything is announced: who reads the announcement may send a signal.
  const stopped = untilStopped();
  let receiver: Receiver;
  try {
    receiver = await startReceiver({
      host,
      port,
      ...(secret === undefined ? {} : { secret }),
      onEvent({ event }, { duplicate }) {
        const { id, type, subject, executionsequence } = event;
        log.info({ part: 'receiver', id, type, subject, executionsequence, duplicate, event }, 'event');
      },
    });
  } catch (error) {
    process.stderr.write(
      `lifecycle-watcher: cannot listen on ${host} port ${port}: ${errorFields(error).error}\n`,
    );
    return 1;
  }
  await using _closing = receiver;
  // To standard error: no secret stands in the log.
  if (secret === undefined) process.stderr.write(`secret made for this run: ${receiver.secret}\n`);
  log.info({ part: 'receiver', host: receiver.host, port: receiver.port }, 'listening');
  await stopped;
  return 0;
}
