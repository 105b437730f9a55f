// Loaded into the daemon before its own code. While the file named by FAIL_SYNC_FILE exists, each sync by the daemon fails as
// if the disk did not confirm the write.
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';

const file = process.env['FAIL_SYNC_FILE'];
if (file === undefined) throw new Error('FAIL_SYNC_FILE is not set');

const handle = await open(process.execPath);
const prototype = Object.getPrototypeOf(handle) as { datasync: (this: unknown) => Promise<void> };
await handle.close();
const { datasync } = prototype;
prototype.datasync = async function () {
  if (existsSync(file)) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  await datasync.call(this);
};
