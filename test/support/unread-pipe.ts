import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CHUNK = Buffer.alloc(4096, '\n');

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

/** Makes a named pipe in `directory` that has a reader, but one that reads only when the test lets it. */
export async function unreadPipe(directory: string) {
  const path = join(directory, 'unread-pipe');
  await promisify(execFile)('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    path,
    /** Writes empty lines until no more fit. */
    fill(): void {
      try {
        while (writeSync(fd, CHUNK) === CHUNK.length);
      } catch (error) {
        if (!isFull(error)) throw error;
      }
    },
    /** Reads all that is in the pipe now. */
    read(): string {
      const chunks: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.alloc(65_536);
        try {
          chunks.push(chunk.subarray(0, readSync(fd, chunk)));
        } catch (error) {
          if (!isFull(error)) throw error;
          return Buffer.concat(chunks).toString();
        }
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
