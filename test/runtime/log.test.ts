import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startProgram, temporaryDirectory } from '../support/daemon.ts';
import { unreadPipe } from '../support/unread-pipe.ts';

const LOG = new URL('../../src/runtime/log.ts', import.meta.url).href;

/** Starts a program that logs to this pipe. */
function startLogging(pipe: string, script: string) {
  const whole = `import { createLog } from '${LOG}'; const log = createLog('info'); ${script}`;
  const shell = ['-c', 'exec "$@" > "$0"', pipe, process.execPath, '--input-type=module', '-e', whole];
  return startProgram('sh', shell, process.env);
}

interface Line {
  readonly msg: string;
  readonly n?: number;
}

const parse = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe('the log', () => {
  it('keeps the first lines while nothing can be written, and says how many were lost', async () => {
    await using directory = await temporaryDirectory();
    using pipe = await unreadPipe(directory.path);
    const script = `
      import { writeFileSync } from 'node:fs';
      const filler = 'x'.repeat(1000);
      for (let n = 0; n < 8000; n += 1) log.info({ n, filler }, 'many');
      writeFileSync('${join(directory.path, 'logged')}', '');
      setInterval(() => undefined, 1000);
      process.once('SIGTERM', () => process.exit());`;
    await using program = startLogging(pipe.path, script);
    await vi.waitFor(() => access(join(directory.path, 'logged')), 10_000);
    let text = '';
    await vi.waitFor(
      () => {
        text += pipe.read();
        expect(text).toContain('lost');
      },
      { timeout: 15_000, interval: 10 },
    );
    await program.kill('SIGTERM');
    const lines = parse(text + pipe.read());
    const kept = lines.filter(({ msg }) => msg === 'many').map(({ n }) => n);
    expect(kept.length).toBeGreaterThan(3500);
    expect(kept).toEqual([...kept.keys()]);
    expect(kept.length).toBeLessThan(8000);
    expect(lines.slice(kept.length)).toMatchObject([{ level: 40, lines: 8000 - kept.length }]);
  });

  it('waits for a slow reader to take the last lines of a process that ends', async () => {
    await using directory = await temporaryDirectory();
    using pipe = await unreadPipe(directory.path);
    pipe.fill();
    await using program = startLogging(
      pipe.path,
      `log.info('last but one'); log.info('last'); process.exit(3);`,
    );
    let text = '';
    const reading = setInterval(() => (text += pipe.read()), 300);
    const { code } = await program.ended;
    clearInterval(reading);
    expect(code).toBe(3);
    expect(parse(text + pipe.read()).map(({ msg }) => msg)).toEqual(['last but one', 'last']);
  });

  it.each(['info', 'fatal'])(
    'does not wait for ever for a full device at a line of the level %s',
    async (level) => {
      await using program = startLogging('/dev/full', `log.${level}('the last line'); process.exit(3);`);
      expect((await program.ended).code).toBe(3);
    },
  );
});
