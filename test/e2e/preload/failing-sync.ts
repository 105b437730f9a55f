// Loaded into the daemon before its own code: while the file exists that FAIL_SYNC_FILE names, the disk does not confirm what
// was written. What the daemon syncs itself fails; it does not notice who does that.
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
