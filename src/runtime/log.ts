import { pino } from 'pino';
import type { Logger } from 'pino';

/** The methods of a logger that the parts of the watcher use. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Creates a logger that writes one JSON object per line, to standard output or to `file`. */
export function createLog(level: string, file?: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return file === undefined ? pino(options) : pino(options, pino.destination({ dest: file, sync: true }));
}

/** Returns the fields of an error that are safe to log. Its other properties can hold requests and credentials. */
export function errorFields(error: unknown): { readonly error: string; readonly code?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}
