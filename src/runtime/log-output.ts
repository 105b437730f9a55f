import { constants, fstatSync, openSync } from 'node:fs';
import { pino } from 'pino';

/** Kept in memory while the log cannot be written; lines beyond it are lost. */
const LARGEST_BACKLOG_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 100;
/** A process that ends waits at most this long for a reader that is slow to take the last lines. */
const LAST_LINES_MS = 1000;

export interface LogOutput {
  write(line: string): void;
  /** Calls back when lines can be written again, with how many were lost meanwhile. */
  onLost(report: (lines: number) => void): void;
}

/**
 * Opens a file or descriptor to write lines of the log to, each at once and in order. A line that cannot be written is kept
 * and tried again, and is lost if too much waits: the log never ends or stops the process, whatever becomes of its disk or reader.
 */
function openOutput(dest: string | number): LogOutput {
  let lost = 0;
  let report: ((lines: number) => void) | undefined;
  let retry: NodeJS.Timeout | undefined;
  let giveUpAt = 0;
  const output = pino.destination({
    dest,
    sync: true,
    maxLength: LARGEST_BACKLOG_BYTES,
    // A retry here blocks the process, which is right only at its end.
    retryEAGAIN: () => performance.now() < giveUpAt,
  });
  output.on('drop', () => (lost += 1));
  const write = (line: string) => {
    const isFlowing = output.write(line);
    if (!isFlowing || lost === 0) return;
    const lines = lost;
    lost = 0;
    report?.(lines);
  };
  // pino's own listener would give up a pipe for good that has no reader at the moment, and pass other errors on.
  output.removeAllListeners('error').on('error', () => {
    retry ??= setTimeout(() => {
      retry = undefined;
      write('');
    }, RETRY_MS).unref();
  });
  process.once('exit', () => {
    giveUpAt = performance.now() + LAST_LINES_MS;
    output.write('');
  });
  // Without pino's `flushSync`, which would try for ever on a full disk; each line has already been written if it can be.
  return {
    write,
    onLost: (callback) => (report = callback),
  };
}

/**
 * Returns a descriptor of standard output that does not block if its reader is slow. A pipe or terminal is opened anew, so that
 * no other process that writes to it can change that.
 */
function nonBlockingStandardOutput(): number {
  // Node makes this descriptor of a pipe or socket one that does not block.
  const { fd } = process.stdout;
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
  try {
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // It may belong to another user, as in a container that does not run as root.
    return fd;
  }
}

let standardOutput: LogOutput | undefined;

/** Returns standard output, which all logs of the process share, or opens `file`. */
export function logOutput(file?: string): LogOutput {
  if (file !== undefined) return openOutput(file);
  standardOutput ??= openOutput(nonBlockingStandardOutput());
  return standardOutput;
}
