import { statfs } from 'node:fs/promises';

const LEAST_FREE_BYTES = 16 * 1024 * 1024;
const LEAST_FREE_SHARE = 0.05;

/** Returns a clause for people if the file system of `directory` has less than 16 MiB or 5 % free, whichever is smaller. */
export async function freeSpaceTrouble(directory: string): Promise<string | undefined> {
  const { bavail, blocks, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  if (freeBytes >= Math.min(LEAST_FREE_BYTES, blocks * bsize * LEAST_FREE_SHARE)) return undefined;
  return `its disk is almost full: ${Math.floor(freeBytes / 1024)} KiB are free`;
}
