import { Command } from 'commander';

const DEFAULT_URL = 'http://127.0.0.1:8080/readyz';
const TIMEOUT_MS = 5000;

const NOT_READY = 1;
const WRONG_URL = 2;

/** Exit code 0 where `/readyz` answers 200 within 5 s, else 1 with the reason; 2 for a URL that is none. */
export function healthcheckCommand(): Command {
  return new Command('healthcheck')
    .description('asks a running daemon whether it is ready; for containers without curl')
    .option(
      '--url <url>',
      `what to ask; without a path /readyz is added (default: LIFECYCLE_WATCHER_URL, else ${DEFAULT_URL})`,
    )
    .addHelpText('after', '\nExample:\n  lifecycle-watcher healthcheck --url http://127.0.0.1:9464')
    .action(async (options: { readonly url?: string }) => {
      const url = readinessUrl(options.url ?? process.env['LIFECYCLE_WATCHER_URL'] ?? DEFAULT_URL);
      const fault = url === undefined ? 'not an http or https URL' : await faultOf(url);
      if (fault === undefined) return;
      process.stderr.write(`lifecycle-watcher: not healthy: ${fault}\n`);
      process.exitCode = url === undefined ? WRONG_URL : NOT_READY;
    });
}

function readinessUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  if (url.pathname === '/') url.pathname = '/readyz';
  return url;
}

/** Why the daemon is not ready, in one line; undefined where it is. */
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
