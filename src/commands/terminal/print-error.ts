/** Prints an error on standard error, followed by its details on indented lines. */
export function printError(message: string, ...details: readonly string[]): void {
  process.stderr.write(`lifecycle-watcher: ${message}\n${details.map((line) => `  ${line}\n`).join('')}`);
}
