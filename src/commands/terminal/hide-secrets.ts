/** The options whose values are secrets. */
const SECRET_OPTION = /^--(secret|token)(=|$)/;

/**
 * Hides secrets on the command line from everyone who lists the processes of this machine. They can be seen until then, and a
 * shell may keep them in its history, so an environment variable or a file is better.
 */
export function hideSecrets(args: readonly string[] = process.argv): void {
  const shown = args.map((arg, at) => {
    const name = SECRET_OPTION.exec(arg)?.[0];
    if (name?.endsWith('=') === true) return `${name}***`;
    return SECRET_OPTION.exec(args[at - 1] ?? '')?.[2] === '' ? '***' : arg;
  });
  if (shown.some((arg, at) => arg !== args[at])) process.title = shown.join(' ');
}
