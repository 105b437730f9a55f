import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import { NEVER } from '../../runtime/abort.ts';
import { errorFields } from '../../runtime/log.ts';
import type { Log } from '../../runtime/log.ts';
import type { App } from '../fastify.ts';
import { noBody, noQuery } from '../inputs.ts';
import type { Backup, Operating } from '../operating.ts';
import { Problem } from '../problem.ts';

/** https://www.iana.org/assignments/media-types/application/vnd.sqlite3 */
const SQLITE_TYPE = 'application/vnd.sqlite3';
/** A client that reads nothing for this long is cut off, because its copy occupies the disk. */
const IDLE_LIMIT_MS = 60_000;

const sqliteFile = z.string().meta({ contentMediaType: SQLITE_TYPE });

interface BackupRouteParts {
  readonly operating: Pick<Operating, 'backUp'>;
  readonly log: Log;
}

/**
 * Adds `POST /v1/backup`. The copy is sent to the client, never written to a path that the client names, so that nobody can
 * overwrite files of the daemon's machine.
 */
export function backupRoutes(app: App, { operating, log }: BackupRouteParts): void {
  let isRunning = false;
  const end = async (backup: Backup | undefined) => {
    try {
      await backup?.[Symbol.asyncDispose]();
    } catch (error) {
      log.error(errorFields(error), 'the copy of the store could not be closed');
    }
    isRunning = false;
  };

  app.post(
    '/backup',
    {
      config: {
        scope: 'admin',
        operationId: 'backUp',
        summary: 'Back up the store',
        description: 'Returns a consistent copy of the store as it is now, as an SQLite file.',
        problems: ['backup_running', 'no_space'],
      },
      schema: { querystring: noQuery, body: noBody, response: { 200: sqliteFile } },
    },
    async ({ gone = NEVER }, reply) => {
      if (isRunning) throw new Problem('backup_running');
      isRunning = true;
      let backup: Backup | undefined;
      try {
        const copy = await operating.backUp(gone);
        if (copy === 'no_space') throw new Problem('no_space');
        backup = copy;
        gone.throwIfAborted();
      } catch (error) {
        await end(backup);
        throw error;
      }
      return send(reply, backup, gone, () => void end(backup));
    },
  );
}

function send(reply: FastifyReply, backup: Backup, gone: AbortSignal, onClose: () => void): FastifyReply {
  const content = backup.content();
  content.once('close', onClose);
  // Nothing else ends the stream if its reader has disconnected.
  gone.addEventListener('abort', () => content.destroy(), { once: true });
  reply.raw.setTimeout(IDLE_LIMIT_MS, () => reply.raw.destroy());
  return reply.type(SQLITE_TYPE).header('content-length', backup.bytes).send(content);
}
