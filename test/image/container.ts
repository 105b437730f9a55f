import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { startProgram } from '../support/daemon.ts';

/** Of an image, as `buildah inspect --type image` tells it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Healthcheck: { readonly Test: readonly ['CMD', ...string[]] };
}

export interface ContainerOptions {
  /** Where the image's files are mounted. */
  readonly root: string;
  readonly image: ImageConfig;
  /** What is put where in the container; only the first is writable. */
  readonly data: readonly [from: string, to: string];
  readonly config: readonly [from: string, to: string];
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the image's root read-only, in a mount namespace of its own. $1: root, then pairs of what to bind where. */
const MOUNTS = `
mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
mount --bind "$2" "$1$3"
mount --bind "$4" "$1$5"; mount -o remount,bind,ro "$1$5"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
shift 5; exec "$@"`;

/**
 * Runs an image as an engine would that is told to keep the root file system read-only: the image's user, environment,
 * entry point and command, as process 1 of a namespace of its own. Needs root. The network is that of the machine.
 */
export function startContainer({ root, image, data, config, env }: ContainerOptions) {
  const command = inside({ root, image, env }, [...image.Entrypoint, ...image.Cmd]);
  const namespaces = ['--mount', '--pid', '--fork'];
  const script = ['sh', '-euc', MOUNTS, 'sh', root, ...data, ...config];
  const program = startProgram('unshare', [...namespaces, '--', ...script, ...command], process.env);
  /** Process 1 of the container, as the machine sees it. */
  const init = (): number => {
    const children = readFileSync(`/proc/${program.pid ?? 0}/task/${program.pid ?? 0}/children`, 'utf8');
    return Number(children.split(' ')[0]);
  };
  return {
    ...program,
    /** What the kernel says of process 1. */
    status: (file: 'status' | 'mountinfo') => readFileSync(`/proc/${init()}/${file}`, 'utf8'),
    terminate: () => process.kill(init(), 'SIGTERM'),
    async [Symbol.asyncDispose]() {
      if (program.isRunning()) process.kill(init(), 'SIGKILL');
      await program.ended;
    },
    /** The exit code of the image's health check. */
    async checkHealth(): Promise<number | null> {
      const [, ...test] = image.Healthcheck.Test;
      const enter = ['--target', String(init()), '--mount', '--pid'];
      const check = spawn('nsenter', [...enter, ...inside({ root, image, env }, test)], { stdio: 'inherit' });
      const [code] = (await once(check, 'close')) as [number | null];
      return code;
    },
  };
}

/** A command line that runs `command` in the root, as the image's user and with its environment. */
function inside(
  { root, image, env }: Pick<ContainerOptions, 'root' | 'image' | 'env'>,
  command: readonly string[],
): string[] {
  const variables = [...image.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const asUser = ['setpriv', '--no-new-privs', 'chroot', `--userspec=${image.User}`, root];
  return [...asUser, 'env', '--ignore-environment', `--chdir=${image.WorkingDir}`, ...variables, ...command];
}
