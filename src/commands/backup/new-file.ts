import { randomUUID } from 'node:crypto';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CommandFailure } from '../api-client/failure.ts';

/** A file that appears under its name, complete, once `keep` is called; without `keep` it never does. */
export interface NewFile extends AsyncDisposable {
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** Gives the file its name and waits until it is on disk. */
  readonly keep: () => Promise<void>;
}

/** The errors of file systems without hard links. */
const NO_LINK_CODES: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];
/** Only the owner may read a copy of the store, which holds confidential data. */
const MODE = 0o600;

/** Creates the file under a temporary name in the same directory. Rejects with `CommandFailure` if it cannot, or if `path` exists and must not be replaced. */
export async function createNewFile(
  path: string,
  { mayReplace }: { readonly mayReplace: boolean },
): Promise<NewFile> {
  const absolute = resolve(path);
  const temporary = `${absolute}.${randomUUID().slice(0, 8)}.part`;
  await refuseExisting(absolute, mayReplace);
  const file = await withPathInError(path, open(temporary, 'wx', MODE));
  return {
    write: async (chunk) => {
      for (let at = 0; at < chunk.length;)
        at += (await withPathInError(path, file.write(chunk, at))).bytesWritten;
    },
    async keep() {
      await withPathInError(path, file.sync());
      await file.close();
      await withPathInError(
        path,
        mayReplace ? rename(temporary, absolute) : renameToNew(temporary, absolute),
      );
      await syncDirectory(dirname(absolute));
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}

async function refuseExisting(path: string, mayReplace: boolean): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing?.isDirectory() === true) throw new CommandFailure(`${path} is a directory`);
  if (existing !== undefined && !mayReplace)
    throw new CommandFailure(`${path} already exists; use --force to replace it`);
}

/** Unlike `rename`, making a link fails if a file of this name exists by now. */
async function renameToNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !NO_LINK_CODES.includes(error.code)) throw error;
    await refuseExisting(path, false);
    await rename(temporary, path);
  }
}

/** Makes the name of a new file survive a crash, too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  await directory.sync().finally(() => directory.close());
}

async function withPathInError<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CommandFailure || !(error instanceof Error)) throw error;
    throw new CommandFailure(`cannot write ${path}: ${error.message}`);
  }
}
