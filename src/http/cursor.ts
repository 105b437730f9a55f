import * as z from 'zod';

/**
 * Cursors are opaque to the outside: base64url of a JSON list that begins with the kind and its version. A cursor of
 * another list or version is refused, so what a cursor holds may change.
 */
const executionsCursor = z.tuple([z.literal('executions/1'), z.int().positive()]);
const deliveriesCursor = z.tuple([z.literal('deliveries/1'), z.int().positive()]);
const feedCursor = z.tuple([z.literal('events/1'), z.string(), z.int().nonnegative(), z.int().nonnegative()]);

/** Where a page of executions ended: the `registration` of its last. */
export function executionsCursorText(registration: number): string {
  return encode(['executions/1', registration] satisfies z.input<typeof executionsCursor>);
}

/** Where a page of deliveries ended: the id of its last. */
export function deliveriesCursorText(id: number): string {
  return encode(['deliveries/1', id] satisfies z.input<typeof deliveriesCursor>);
}

/** A place in the feed of one history of the store. */
export interface FeedPosition {
  readonly epoch: string;
  readonly position: number;
  /** The store's count of deletions when everything after the position was kept. */
  readonly deletions: number;
}

export function feedCursorText({ epoch, position, deletions }: FeedPosition): string {
  return encode(['events/1', epoch, position, deletions] satisfies z.input<typeof feedCursor>);
}

function encode(payload: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(payload)).toString('base64url');
}

/** What a cursor's text holds, not yet checked; undefined where it is no cursor at all. */
function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown;
  } catch {
    return undefined;
  }
}

function cursorParameter<T>(payload: z.ZodType<T>) {
  return z
    .string()
    .max(512)
    .transform((text, context): T => {
      const decoded = payload.safeParse(decode(text));
      if (decoded.success) return decoded.data;
      const message = 'is no cursor of this list';
      context.issues.push({ code: 'custom', input: text, message, params: { code: 'invalid_cursor' } });
      return z.NEVER;
    })
    .describe('Where to go on: as the page before gave it.');
}

/** The parameter `cursor` of the list of executions, read as a registration number. */
export const executionsCursorParameter = cursorParameter(executionsCursor).transform(([, before]) => before);

/** The parameter `cursor` of the list of deliveries, read as a delivery's id. */
export const deliveriesCursorParameter = cursorParameter(deliveriesCursor).transform(([, before]) => before);

/** The parameter `after` of the feed. */
export const feedCursorParameter = cursorParameter(feedCursor).transform(
  ([, epoch, position, deletions]): FeedPosition => ({ epoch, position, deletions }),
);
