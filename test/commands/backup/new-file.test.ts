import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createNewFile } from '../../../src/commands/backup/new-file.ts';
import { temporaryDirectory } from '../../support/daemon.ts';

test('does not replace a file that was created in the meantime', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'copy.db');
  {
    await using file = await createNewFile(path, { mayReplace: false });
    await file.write(Buffer.from('new'));
    await writeFile(path, 'precious');
    await expect(file.keep()).rejects.toThrow(/cannot write .*EEXIST/);
  }
  expect(await readFile(path, 'utf8')).toBe('precious');
  expect(await readdir(directory.path)).toEqual(['copy.db']);
});
