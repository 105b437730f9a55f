import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { startProgram, temporaryDirectory } from '../../support/daemon.ts';
import { NoCompilerError, compileSlowSync } from '../../support/slow-sync.ts';
import type { SlowSync } from '../../support/slow-sync.ts';

let slowSync: SlowSync | undefined;
beforeAll(async () => {
  slowSync = await compileSlowSync().catch((error: unknown) => {
    if (error instanceof NoCompilerError) return undefined;
    throw error;
  });
});
afterAll(() => slowSync?.[Symbol.asyncDispose]());

/** What a program with a store says at its end. */
interface Report {
  /** Whether each write succeeded, or why not. */
  readonly writes: readonly string[];
  /** What `onLost` was called with. */
  readonly lost: readonly string[];
}

const imported = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** Runs `body` in a program of its own, whose syncs fail from `breakDisk()` to `mendDisk()`. */
async function runOnBrokenDisk({ skip }: TestContext, body: string): Promise<Report> {
  if (slowSync === undefined) return skip('there is no C compiler');
  await using directory = await temporaryDirectory();
  const failFile = join(directory.path, 'fail');
  const script = join(directory.path, 'program.ts');
  await writeFile(
    script,
    `import { rmSync, writeFileSync } from 'node:fs';
    import { openStoreAt } from ${imported('../../support/store.ts')};
    const breakDisk = () => writeFileSync(${JSON.stringify(failFile)}, '');
    const mendDisk = () => rmSync(${JSON.stringify(failFile)});
    const report = { writes: [], lost: [] };
    const firstLoss = Promise.withResolvers();
    const store = await openStoreAt(${JSON.stringify(join(directory.path, 'watcher.db'))}, {
      onLost({ message }) {
        report.lost.push(message);
        firstLoss.resolve();
      },
    });
    const write = (region) =>
      store.operating.pauseTarget({ accountId: '123456789012', region }, true).then(
        () => report.writes.push('done'),
        (error) => report.writes.push(error.name + ': ' + error.message),
      );
    ${body}
    console.log(JSON.stringify(report));
    process.exit();`,
  );
  await using program = startProgram(process.execPath, [script], {
    ...process.env,
    ...slowSync.env({ failFile }),
  });
  return JSON.parse(await program.line((line) => line.startsWith('{'))) as Report;
}

test('a failed sync is reported once, and every later write fails even if the disk recovers', async (context) => {
  const { writes, lost } = await runOnBrokenDisk(
    context,
    `
    await write('a');
    breakDisk();
    await Promise.all(['b', 'c', 'd'].map(write));
    mendDisk();
    await write('e');`,
  );
  const failure = 'StoreError: what was written could not be made durable: EIO: i/o error, fdatasync';
  expect(writes).toEqual(['done', failure, failure, failure, failure]);
  expect(lost).toEqual([failure.replace('StoreError: ', '')]);
});

test('a checkpoint that cannot be synced is reported, and every later write fails', async (context) => {
  const { writes, lost } = await runOnBrokenDisk(
    context,
    `
    await write('a');
    breakDisk();
    await firstLoss.promise;
    mendDisk();
    await write('b');`,
  );
  expect(lost).toEqual([
    expect.stringMatching(/could not be made durable: a checkpoint could not be synced/),
  ]);
  expect(writes).toEqual(['done', expect.stringMatching(/^StoreError: .*a checkpoint could not be synced/)]);
});
