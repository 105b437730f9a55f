import * as z from 'zod';
import { EVENT_TYPES } from '../../domain/change/event.ts';
import { matchesGlob } from '../../domain/change/filter.ts';
import { defined } from '../../runtime/defined.ts';
import { feedPageSchema } from '../../wire/event.ts';
import { createCursor } from '../cursor.ts';
import { sendJsonText } from '../fastify.ts';
import type { App } from '../fastify.ts';
import { limitParameter } from '../inputs.ts';
import { rawJsonList } from '../present/event.ts';
import { Problem } from '../problem.ts';
import type { FeedBounds, Reading } from '../reading.ts';

const MAX_TYPES = 32;

/** A place in the feed of one history of the store. */
interface FeedPosition {
  readonly epoch: string;
  readonly position: number;
  /** The store's count of deletions at a time when everything after the position was still kept. */
  readonly deletions: number;
}

/** Holds the members of a `FeedPosition` in the order above. */
const cursors = createCursor('events/1', z.tuple([z.string(), z.int().nonnegative(), z.int().nonnegative()]));

const typeGlob = z
  .string()
  .regex(/^[a-z_.*]{1,64}$/, {
    message: 'must be a short event name, such as execution.failed, or a glob, such as execution.*',
    abort: true,
  })
  .refine((glob) => EVENT_TYPES.some((type) => matchesGlob(glob, type)), 'matches no event');

const feedQuery = z.strictObject({
  after: cursors.parameter
    .transform(([epoch, position, deletions]): FeedPosition => ({ epoch, position, deletions }))
    .optional(),
  type: z
    .preprocess(
      (input) => (input === undefined || Array.isArray(input) ? input : [input]),
      z.array(typeGlob).max(MAX_TYPES),
    )
    .optional(),
  limit: limitParameter,
});

interface EventRouteParts {
  readonly reading: Pick<Reading, 'feed' | 'feedBounds'>;
}

/** Adds `GET /v1/events`: the feed, in the order recorded. */
export function eventRoutes(app: App, { reading }: EventRouteParts): void {
  app.get(
    '/events',
    {
      config: {
        scope: 'read',
        operationId: 'listEvents',
        summary: 'List all events in the order they were recorded',
        description: 'Returns the same bodies that the webhooks carry.',
        problems: ['invalid_cursor', 'cursor_expired'],
      },
      schema: { querystring: feedQuery, response: { 200: feedPageSchema } },
    },
    async ({ query }, reply) => {
      const { type: types, limit } = query;
      const bounds = await reading.feedBounds();
      const after = query.after ?? { ...bounds, position: 0 };
      const page = await reading.feed({ after: after.position, ...defined({ types }), limit });
      // Read after the page: events that are still kept now were kept when the page was read, so nothing was skipped.
      const deletions = keptSince(after, query.after === undefined ? bounds : await reading.feedBounds());
      // At the end, the cursor moves past deleted events, so that later deletions of older events do not expire it.
      const isEnd = page.events.length < limit;
      const position = isEnd ? Math.max(page.next, bounds.deletedUpTo) : page.next;
      const next = cursors.format([after.epoch, position, deletions]);
      return sendJsonText(reply, `{"events":${rawJsonList(page.events)},"next":${JSON.stringify(next)}}`);
    },
  );
}

/**
 * Returns the count of deletions at which everything after `after` is still kept. Throws if something may have been deleted
 * since, and if the position is beyond the latest: this history has then lost events that the client has seen.
 */
function keptSince(after: FeedPosition, { epoch, deletedUpTo, deletions, latest }: FeedBounds): number {
  const isKept = after.deletions === deletions || after.position >= deletedUpTo;
  if (after.epoch !== epoch || after.position > latest || !isKept) throw new Problem('cursor_expired');
  return deletions;
}
