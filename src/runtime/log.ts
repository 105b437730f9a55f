import { pino } from 'pino';
import type { Logger } from 'pino';

/** What parts of the watcher need of a log. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** One JSON object a line, on standard output or into a file. */
export function createLog(level: string, file?: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return file === undefined ? pino(options) : pino(options, pino.destination({ dest: file, sync: true }));
}

/** The fields of an error that may be logged: never its own properties, which can hold requests and credentials. */
export function errorFields(error: unknown): { readonly error: string; readonly code?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}
