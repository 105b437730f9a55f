import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import { errorFields } from '../../runtime/log.ts';
import type { Backup } from '../operating.ts';
import type { App } from '../fastify.ts';
import { Problem } from '../problem.ts';
import { noBody, noQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** https://www.iana.org/assignments/media-types/application/vnd.sqlite3 */
const SQLITE_TYPE = 'application/vnd.sqlite3';
/** A client that reads nothing for so long is gone: its copy takes up the disk. */
const IDLE_LIMIT_MS = 60_000;
const { signal: NEVER } = new AbortController();

const sqliteFile = z.string().meta({ contentMediaType: SQLITE_TYPE });

/** `POST /v1/backup`: a consistent copy of the store. It is sent, not written where the caller says: nobody overwrites files here. */
export function backupRoutes(app: App, { operating, log }: HttpParts): void {
  let isRunning = false;
  const end = async (backup: Backup | undefined) => {
    try {
      await backup?.[Symbol.asyncDispose]();
    } catch (error) {
      log.error(errorFields(error), 'copy of the store could not be closed');
    }
    isRunning = false;
  };

  app.post(
    '/backup',
    {
      config: {
        scope: 'admin',
        operationId: 'backUp',
        summary: 'A consistent copy of the store as it is now, an SQLite file',
        problems: ['backup_running', 'no_space'],
      },
      schema: { querystring: noQuery, body: noBody, response: { 200: sqliteFile } },
    },
    async ({ gone = NEVER }, reply) => {
      if (isRunning) throw new Problem('backup_running');
      isRunning = true;
      let backup: Backup | undefined;
      try {
        const copied = await operating.backUp(gone);
        if (copied === 'no_space') throw new Problem('no_space');
        backup = copied;
        gone.throwIfAborted();
      } catch (error) {
        await end(backup);
        throw error;
      }
      const content = backup.content();
      content.once('close', () => void end(backup));
      // Nobody else ends it where its reader has gone.
      gone.addEventListener('abort', () => content.destroy(), { once: true });
      reply.raw.setTimeout(IDLE_LIMIT_MS, () => reply.raw.destroy());
      return send(reply, backup.bytes, content);
    },
  );
}

function send(reply: FastifyReply, bytes: number, content: Readable): FastifyReply {
  return reply.type(SQLITE_TYPE).header('content-length', bytes).send(content);
}
