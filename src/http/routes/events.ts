import { feedPageSchema } from '../../wire/event.ts';
import type { FeedBounds } from '../reading.ts';
import { feedCursorText } from '../cursor.ts';
import type { FeedPosition } from '../cursor.ts';
import { sendJsonText } from '../fastify.ts';
import type { App } from '../fastify.ts';
import { rawJsonList } from '../present/event.ts';
import { Problem } from '../problem.ts';
import { feedQuery } from '../schemas.ts';
import type { HttpParts } from '../parts.ts';

/** `GET /v1/events`: the feed, in the order recorded. */
export function eventRoutes(app: App, { reading }: Pick<HttpParts, 'reading'>): void {
  app.get(
    '/events',
    {
      config: {
        scope: 'read',
        operationId: 'listEvents',
        summary: 'Everything recorded, in order, with the bodies of the webhooks',
        problems: ['invalid_cursor', 'cursor_expired'],
      },
      schema: { querystring: feedQuery, response: { 200: feedPageSchema } },
    },
    async ({ query }, reply) => {
      const { type, limit } = query;
      const bounds = await reading.feedBounds();
      const after = query.after ?? { ...bounds, position: 0 };
      const page = await reading.feed({
        after: after.position,
        ...(type === undefined ? {} : { types: type }),
        limit,
      });
      // Read after the page: what was kept then was kept when the page was read, so that nothing was skipped.
      const deletions = keptSince(after, query.after === undefined ? bounds : await reading.feedBounds());
      // At the end, so that later deletions of what is gone anyway do not make the cursor expire.
      const isEnd = page.events.length < limit;
      const position = isEnd ? Math.max(page.next, bounds.deletedUpTo) : page.next;
      const next = feedCursorText({ epoch: after.epoch, position, deletions });
      return sendJsonText(reply, `{"events":${rawJsonList(page.events)},"next":${JSON.stringify(next)}}`);
    },
  );
}

/**
 * The count of deletions for which everything after `after` is there. Throws where something may have been deleted
 * since, and for a position beyond the latest: this history has lost what was seen with it.
 */
function keptSince(after: FeedPosition, { epoch, deletedUpTo, deletions, latest }: FeedBounds): number {
  const isKept = after.deletions === deletions || after.position >= deletedUpTo;
  if (after.epoch !== epoch || after.position > latest || !isKept) throw new Problem('cursor_expired');
  return deletions;
}
