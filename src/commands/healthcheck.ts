import { Command } from 'commander';
import { readDaemonUrl, urlOption } from './terminal/daemon-url.ts';
import { printError } from './terminal/print-error.ts';

const TIMEOUT_MS = 5000;

const NOT_READY = 1;
const WRONG_URL = 2;

/** Exits with 0 if `/readyz` answers 200 within 5 s, 1 and the reason if it does not, 2 if the URL is not valid. */
export function healthcheckCommand(): Command {
  return new Command('healthcheck')
    .description('Check whether a running daemon is ready, for containers without curl')
    .addOption(urlOption())
    .addHelpText(
      'after',
      '\nThe address may also be that of a probe itself, /readyz or /livez.\n\nExample:\n  lifecycle-watcher healthcheck --url http://127.0.0.1:9464',
    )
    .action(async (options: { readonly url: string }) => {
      const read = readDaemonUrl(options.url);
      const fault = 'fault' in read ? read.fault : await faultOf(probeOf(read.url));
      if (fault === undefined) return;
      printError(`not healthy: ${fault}`);
      process.exitCode = 'fault' in read ? WRONG_URL : NOT_READY;
    });
}

function probeOf(url: string): string {
  return /\/(readyz|livez)$/.test(url) ? url : `${url}/readyz`;
}

/** Returns why the daemon is not ready, in one line; undefined if it is ready. */
async function faultOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status === 200 ? undefined : `answered ${response.status}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
    const { cause } = error;
    return (cause instanceof Error && cause.message !== '' ? cause : error).message.replaceAll('\n', ' ');
  }
}
