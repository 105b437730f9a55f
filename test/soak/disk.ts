import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Large enough for the database of a long run, and quick to fill. */
const SIZE_BYTES = 64 * 2 ** 20;
const ballast = Buffer.alloc(2 ** 20);

/** A disk that the soak can fill and make read-only. */
export interface Disk extends Disposable {
  readonly path: string;
  /** The kind of disk, or the reason why there is none. */
  readonly description: string;
  /** Undefined if nothing can be mounted on this machine. */
  readonly fill?: () => void;
  readonly free?: () => void;
  /** Must not be called while a file on the disk is open. */
  readonly remount?: (mode: 'ro' | 'rw') => void;
  /** Refuses writes even to files that are already open. Undefined if the file system cannot do that. */
  readonly protect?: (files: readonly string[]) => void;
  readonly unprotect?: (files: readonly string[]) => void;
}

const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, ' ');
}

/** Mounts a disk below `directory`: an ext4 image, or a tmpfs if that fails. If that fails too, uses a plain directory. */
export function mountDisk(directory: string): Disk {
  const path = join(directory, 'disk');
  mkdirSync(path);
  const image = join(directory, 'disk.img');
  const refusals: string[] = [];
  const mounts = {
    'an ext4 image': () => {
      writeFileSync(image, '');
      truncateSync(image, SIZE_BYTES);
      run('mkfs.ext4', '-q', '-F', '-m', '0', image);
      run('mount', '-o', 'loop', image, path);
    },
    'a tmpfs': () => run('mount', '-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', path),
  };
  for (const [name, mount] of Object.entries(mounts)) {
    try {
      mount();
    } catch (error) {
      refusals.push(`${name}: ${reasonOf(error)}`);
      continue;
    }
    return mounted(path, name, refusals);
  }
  return {
    path,
    description: `a plain directory; NO full disk, NO read-only database in this run (${refusals.join('; ')})`,
    [Symbol.dispose]: () => undefined,
  };
}

function mounted(path: string, name: string, refusals: readonly string[]): Disk {
  let isMounted = true;
  const full = join(path, 'ballast');
  const hasProtection = canProtect(path);
  const description = [
    name,
    ...(hasProtection ? [] : ['NO database that turns read-only while it is open in this run']),
    ...refusals,
  ].join('; ');
  return {
    path,
    description,
    fill: () => fill(full),
    free: () => rmSync(full, { force: true }),
    remount: (mode) => run('mount', '-o', `remount,${mode}`, path),
    ...(hasProtection
      ? {
          protect: (files) => run('chattr', '+i', ...files),
          unprotect: (files) => run('chattr', '-i', ...files),
        }
      : {}),
    [Symbol.dispose]() {
      if (!isMounted) return;
      isMounted = false;
      // Lazily, because files of a killed daemon may still be open for a moment.
      run('umount', '--lazy', path);
    },
  };
}

function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (const bytes of [ballast.length, 4096, 1]) writeUntilFull(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeUntilFull(descriptor: number, bytes: number): void {
  for (let written = 0; written <= SIZE_BYTES; written += bytes) {
    try {
      writeSync(descriptor, ballast, 0, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

/** Reports whether the immutable flag stops writes to a file that is already open. It does on ext4, but not on tmpfs. */
function canProtect(path: string): boolean {
  const probe = join(path, 'probe');
  const descriptor = openSync(probe, 'w');
  try {
    run('chattr', '+i', probe);
    try {
      writeSync(descriptor, 'x');
      return false;
    } catch {
      return true;
    } finally {
      run('chattr', '-i', probe);
    }
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
    rmSync(probe, { force: true });
  }
}
