import { pino } from 'pino';
import type { Logger } from 'pino';
import { logOutput } from './log-output.ts';

/** The methods of a logger that the parts of the watcher use. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/**
 * Creates a logger that writes one JSON object per line, to standard output or to `file`. Lines that cannot be written are
 * lost in the end; how many is said when the next ones can be.
 */
export function createLog(level: string, file?: string): Logger {
  const output = logOutput(file);
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, output);
  output.onLost((lines) =>
    log.warn({ lines }, 'lines of the log were lost because they could not be written'),
  );
  return log;
}

/** Returns the fields of an error that are safe to log. Its other properties can hold requests and credentials. */
export function errorFields(error: unknown): { readonly error: string; readonly code?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}
