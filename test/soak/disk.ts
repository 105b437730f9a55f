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

/** Room for the database of a long run, and soon filled. */
const SIZE_BYTES = 64 * 2 ** 20;
const ballast = Buffer.alloc(2 ** 20);

/** A disk of the harness's own, which it can fill and make read-only. */
export interface Disk extends Disposable {
  readonly path: string;
  /** What it is, or why there is none. */
  readonly told: string;
  /** Undefined where nothing may be mounted here. */
  readonly fill?: () => void;
  readonly free?: () => void;
  /** Only while no file of it is open. */
  readonly remount?: (mode: 'ro' | 'rw') => void;
  /** Files that are open already can be written no more; undefined where the file system knows no such thing. */
  readonly protect?: (files: readonly string[]) => void;
  readonly unprotect?: (files: readonly string[]) => void;
}

const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, ' ');
}

/** Mounts a disk below `directory`: an ext4 image where that works, else a tmpfs, else it is a plain directory. */
export function mountDisk(directory: string): Disk {
  const path = join(directory, 'disk');
  mkdirSync(path);
  const image = join(directory, 'disk.img');
  const refusals: string[] = [];
  const ways = {
    'an ext4 image': () => {
      writeFileSync(image, '');
      truncateSync(image, SIZE_BYTES);
      run('mkfs.ext4', '-q', '-F', '-m', '0', image);
      run('mount', '-o', 'loop', image, path);
    },
    'a tmpfs': () => run('mount', '-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', path),
  };
  for (const [name, mount] of Object.entries(ways)) {
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
    told: `a plain directory; NO full disk, NO read-only database in this run (${refusals.join('; ')})`,
    [Symbol.dispose]: () => undefined,
  };
}

function mounted(path: string, name: string, refusals: readonly string[]): Disk {
  let isMounted = true;
  const full = join(path, 'ballast');
  const mayProtect = canProtect(path);
  const told = [
    name,
    ...(mayProtect ? [] : ['NO database that turns read-only while it is open in this run']),
    ...refusals,
  ].join('; ');
  return {
    path,
    told,
    fill: () => fill(full),
    free: () => rmSync(full, { force: true }),
    remount: (mode) => run('mount', '-o', `remount,${mode}`, path),
    ...(mayProtect
      ? {
          protect: (files) => run('chattr', '+i', ...files),
          unprotect: (files) => run('chattr', '-i', ...files),
        }
      : {}),
    [Symbol.dispose]() {
      if (!isMounted) return;
      isMounted = false;
      // Lazily: a killed daemon's files may still be open for a moment.
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

/** Whether a file that is open already refuses to be written once it is immutable: ext4's does, tmpfs's does not. */
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
