/** Tells on standard error what is wrong, and more of it on lines of their own. */
export function complain(message: string, ...more: readonly string[]): void {
  process.stderr.write(`lifecycle-watcher: ${message}\n${more.map((line) => `  ${line}\n`).join('')}`);
}
