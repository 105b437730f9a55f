import { randomUUID } from 'node:crypto';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CommandFailure } from '../api-client/failure.ts';

/** A file that comes to be as a whole, with `keep`, or, without it, not at all. */
export interface NewFile extends AsyncDisposable {
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** From now on it stands under its name, and on disk. */
  readonly keep: () => Promise<void>;
}

/** What file systems without hard links answer. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];
/** Its owner's alone: a store holds what nobody else should read. */
const MODE = 0o600;

/** Makes it under another name beside its own. Rejects with `CommandFailure` where it cannot be, or must not be replaced. */
export async function createNewFile(
  path: string,
  { mayReplace }: { readonly mayReplace: boolean },
): Promise<NewFile> {
  const absolute = resolve(path);
  const part = `${absolute}.${randomUUID().slice(0, 8)}.part`;
  await refuse(absolute, mayReplace);
  const file = await named(path, open(part, 'wx', MODE));
  return {
    write: async (chunk) => {
      for (let at = 0; at < chunk.length;) at += (await named(path, file.write(chunk, at))).bytesWritten;
    },
    async keep() {
      await named(path, file.sync());
      await file.close();
      await named(path, mayReplace ? rename(part, absolute) : renameToNew(part, absolute));
      await syncDirectory(dirname(absolute));
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(part, { force: true });
    },
  };
}

async function refuse(path: string, mayReplace: boolean): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw new CommandFailure(`${path} is a directory`);
  if (found !== undefined && !mayReplace) throw new CommandFailure(`${path} exists: --force replaces it`);
}

/** A link is made only where nothing has its name, also where that came meanwhile. */
async function renameToNew(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !NO_LINKS.includes(error.code)) throw error;
    await refuse(path, false);
    await rename(part, path);
  }
}

/** So that the name, too, is there after a crash; what is no file to some systems cannot be synced there. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  await directory.sync().finally(() => directory.close());
}

async function named<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CommandFailure || !(error instanceof Error)) throw error;
    throw new CommandFailure(`cannot write ${path}: ${error.message}`);
  }
}
