import { Command } from 'commander';
import { printError } from './terminal/print-error.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080/readyz';
const TIMEOUT_MS = 5000;

const NOT_READY = 1;
const WRONG_URL = 2;

/** Exits with 0 if `/readyz` answers 200 within 5 s, 1 and the reason if it does not, 2 if the URL is not valid. */
export function healthcheckCommand(): Command {
  return new Command('healthcheck')
    .description('Check whether a running daemon is ready, for containers without curl')
    .option(
      '--url <url>',
      `address to check; /readyz is added if it has no path (default: $LIFECYCLE_WATCHER_URL, else ${DEFAULT_URL})`,
    )
    .addHelpText('after', '\nExample:\n  lifecycle-watcher healthcheck --url http://127.0.0.1:9464')
    .action(async (options: { readonly url?: string }) => {
      const url = readinessUrl(options.url ?? process.env['LIFECYCLE_WATCHER_URL'] ?? DEFAULT_URL);
      const fault = url === undefined ? 'not an http or https URL' : await faultOf(url);
      if (fault === undefined) return;
      printError(`not healthy: ${fault}`);
      process.exitCode = url === undefined ? WRONG_URL : NOT_READY;
    });
}

function readinessUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  if (url.pathname === '/') url.pathname = '/readyz';
  return url;
}

/** Returns why the daemon is not ready, in one line; undefined if it is ready. */
async function faultOf(url: URL): Promise<string | undefined> {
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
