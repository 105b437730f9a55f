import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import type { App } from './fastify.ts';
import { Problem } from './problem.ts';
import { noBody, noQuery } from './schemas.ts';
import type { HttpParts } from './parts.ts';

/** https://www.iana.org/assignments/media-types/application/vnd.sqlite3 */
const SQLITE_TYPE = 'application/vnd.sqlite3';

const sqliteFile = z.string().meta({ contentMediaType: SQLITE_TYPE });

/** `POST /v1/backup`: a consistent copy of the store. It is sent, not written where the caller says: nobody overwrites files here. */
export function backupRoutes(app: App, { store }: HttpParts): void {
  let isRunning = false;
  app.post(
    '/backup',
    {
      config: {
        scope: 'admin',
        waits: true,
        operationId: 'backUp',
        summary: 'A consistent copy of the store as it is now, an SQLite file',
        problems: ['backup_running'],
      },
      schema: { querystring: noQuery, body: noBody, response: { 200: sqliteFile } },
    },
    async (_request, reply) => {
      if (isRunning) throw new Problem('backup_running');
      isRunning = true;
      const over = () => {
        isRunning = false;
      };
      const backup = await store.backUp().catch((error: unknown) => {
        over();
        throw error;
      });
      const content = backup.content();
      content.once('close', () => {
        void Promise.resolve(backup[Symbol.asyncDispose]()).finally(over);
      });
      // Nobody else ends it where its reader has gone.
      reply.raw.once('close', () => content.destroy());
      return sendFile(reply, backup.bytes, content);
    },
  );
}

function sendFile(reply: FastifyReply, bytes: number, content: Readable): FastifyReply {
  return reply.type(SQLITE_TYPE).header('content-length', bytes).send(content);
}
