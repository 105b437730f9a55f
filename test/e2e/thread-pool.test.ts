import { readFile, readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { CONCURRENT_LOOKUPS } from '../../src/runtime/thread-pool.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startDaemon, temporaryDirectory } from '../support/daemon.ts';
import { ENV, configOf } from '../support/watch-one-target.ts';

/** Linux names the threads of libuv's pool. */
async function countPoolThreads(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const names = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/comm`, 'utf8')));
  return names.filter((name) => name.startsWith('libuv-worker')).length;
}

it.runIf(process.platform === 'linux').each([
  ['by default', {}, 2 * CONCURRENT_LOOKUPS],
  ['if the environment wants fewer', { UV_THREADPOOL_SIZE: '4' }, 2 * CONCURRENT_LOOKUPS],
  ['if the environment wants more', { UV_THREADPOOL_SIZE: '100' }, 100],
])('the daemon has threads for many lookups at once %s', async (_, env, threads) => {
  await using directory = await temporaryDirectory();
  await using simulator = await startSimulator();
  await using daemon = await startDaemon(directory.path, configOf(simulator.url, 'http://127.0.0.1:1/'), {
    ...ENV,
    ...env,
  });
  expect(await countPoolThreads(daemon.pid ?? NaN)).toBe(threads);
});
