import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { startProgram } from '../support/daemon.ts';

/** The configuration of an image, as `buildah inspect --type image` prints it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Healthcheck: { readonly Test: readonly ['CMD', ...string[]] };
}

export interface ContainerOptions {
  /** The directory at which the image's files are mounted. */
  readonly root: string;
  readonly image: ImageConfig;
  /** A directory of the machine and its place in the container, writable. */
  readonly data: readonly [from: string, to: string];
  /** The same, read-only. */
  readonly config: readonly [from: string, to: string];
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the image's root read-only in a mount namespace of its own. $1 is the root, followed by pairs of source and target. */
const MOUNTS = `
mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
mount --bind "$2" "$1$3"
mount --bind "$4" "$1$5"; mount -o remount,bind,ro "$1$5"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
shift 5; exec "$@"`;

/**
 * Runs an image as a container engine does with a read-only root file system: with the image's user, environment, entry point
 * and command, as process 1 of a namespace of its own, but with the network of the machine. Needs root.
 */
export function startContainer({ root, image, data, config, env }: ContainerOptions) {
  const command = inside({ root, image, env }, [...image.Entrypoint, ...image.Cmd]);
  const namespaces = ['--mount', '--pid', '--fork'];
  const script = ['sh', '-euc', MOUNTS, 'sh', root, ...data, ...config];
  const program = startProgram('unshare', [...namespaces, '--', ...script, ...command], process.env);
  /** The machine's id of the container's process 1. */
  const init = (): number => {
    const children = readFileSync(`/proc/${program.pid ?? 0}/task/${program.pid ?? 0}/children`, 'utf8');
    return Number(children.split(' ')[0]);
  };
  return {
    ...program,
    /** Reads a file of process 1 from /proc. */
    procFile: (file: 'status' | 'mountinfo') => readFileSync(`/proc/${init()}/${file}`, 'utf8'),
    terminate: () => process.kill(init(), 'SIGTERM'),
    async [Symbol.asyncDispose]() {
      if (program.isRunning()) process.kill(init(), 'SIGKILL');
      await program.ended;
    },
    /** Runs the image's health check and returns its exit code. */
    async checkHealth(): Promise<number | null> {
      const [, ...test] = image.Healthcheck.Test;
      const enter = ['--target', String(init()), '--mount', '--pid'];
      const check = spawn('nsenter', [...enter, ...inside({ root, image, env }, test)], { stdio: 'inherit' });
      const [code] = (await once(check, 'close')) as [number | null];
      return code;
    },
  };
}

/** Returns a command line that runs `command` in the root, with the image's user and environment. */
function inside(
  { root, image, env }: Pick<ContainerOptions, 'root' | 'image' | 'env'>,
  command: readonly string[],
): string[] {
  const variables = [...image.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const asUser = ['setpriv', '--no-new-privs', 'chroot', `--userspec=${image.User}`, root];
  return [...asUser, 'env', '--ignore-environment', `--chdir=${image.WorkingDir}`, ...variables, ...command];
}
