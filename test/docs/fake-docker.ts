/**
 * Stands in for docker, whose engine tests cannot count on. `run` starts the daemon as the image would: in a directory that has only
 * what is mounted, with no variables but those of the image and of `-e`. The image itself is tested by `test/image/run.ts`.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const [command = '', ...rest] = process.argv.slice(2);
const dockerfile = await readFile('Dockerfile', 'utf8');

if (command === 'run') {
  const several = { type: 'string', short: 'v', multiple: true } as const;
  const { values, positionals } = parseArgs({
    args: rest,
    allowPositionals: true,
    options: {
      detach: { type: 'boolean' },
      'read-only': { type: 'boolean' },
      name: { type: 'string' },
      'stop-timeout': { type: 'string' },
      publish: { type: 'string', short: 'p' },
      volume: several,
      env: { ...several, short: 'e' },
    },
  });
  if (positionals.join() !== 'lifecycle-watcher') throw new Error(`no such image: ${positionals.join()}`);
  const app = await mkdtemp(join(process.cwd(), '..', 'container-'));
  for (const volume of values.volume ?? []) {
    const [from = '', to = ''] = volume.split(':');
    const place = to.replace('/app', app);
    if (from.startsWith('/')) await symlink(from, place);
    else await mkdir(place);
  }
  const ofImage = Object.fromEntries(
    Array.from(/^ENV (.*)$/m.exec(dockerfile)?.[1]?.matchAll(/(\w+)=(\S+)/g) ?? [], ([, name, value]) => [
      name,
      value,
    ]),
  ) as NodeJS.ProcessEnv;
  const passed = Object.fromEntries((values.env ?? []).map((name) => [name, process.env[name]]));
  const env = {
    ...ofImage,
    ...passed,
    // Not those of the image, because tests stay on the loopback address and have a simulator in place of AWS.
    LIFECYCLE_WATCHER_HOST: '127.0.0.1',
    SQLITE_TMPDIR: app,
    AWS_ENDPOINT_URL: process.env['AWS_ENDPOINT_URL'],
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const main = join(process.cwd(), 'src', 'main.ts');
  const log = openSync('container.log', 'w');
  const child = spawn(process.execPath, [main, 'run'], {
    cwd: app,
    env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.unref();
  // docker prints the id of the container, too.
  process.stdout.write(`${child.pid ?? 0}\n`);
} else if (command === 'build') {
  const last = rest.pop();
  if (last !== '.' || rest.join(' ') !== '-t lifecycle-watcher')
    throw new Error(`docker build ${rest.join(' ')}`);
} else throw new Error(`docker ${command}`);
