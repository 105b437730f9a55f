import { Option } from 'commander';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** The option `--url` of every command that talks to a running daemon. */
export function urlOption(): Option {
  return new Option('--url <url>', 'address of the daemon').env('LIFECYCLE_WATCHER_URL').default(DEFAULT_URL);
}

/**
 * Reads the address of a daemon. It may have a path, to which those of the API are added; a slash at its end does not count, and
 * an empty text stands for the default. The fault does not repeat the address, which may hold a secret.
 */
export function readDaemonUrl(text: string): { readonly url: string } | { readonly fault: string } {
  const url = URL.parse(text === '' ? DEFAULT_URL : text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return { fault: 'the address of the daemon must be an http or https URL' };
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return { fault: 'the address of the daemon must not have a user, password, query or fragment' };
  return { url: url.href.replace(/\/+$/, '') };
}
