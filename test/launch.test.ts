import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const LAUNCHER = new URL('../src/launch.js', import.meta.url).pathname;
/** Makes this Node say that it is an old one. */
const PRETEND =
  "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'});Object.defineProperty(process,'version',{value:'v20.20.2'})";

test('an old Node is refused in one line', async () => {
  const ended = run(process.execPath, ['--import', PRETEND, LAUNCHER, '--version']);
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^lifecycle-watcher needs Node 24 or newer; this is v20\.20\.2 \(.*\)\n$/,
    ) as string,
  });
});
