import * as z from 'zod';

/**
 * The cursors of one list. Clients treat a cursor as opaque text. It is the base64url form of a JSON list: `kind`, which
 * names the list and a version, then the values. A cursor of another kind is rejected, so the values may change with the kind.
 */
export interface Cursor<T extends readonly unknown[]> {
  format(values: T): string;
  /** The query parameter that takes such a cursor. Parsed to its values. */
  readonly parameter: z.ZodType<T, string>;
}

export function createCursor<T extends readonly unknown[]>(kind: string, values: z.ZodType<T>): Cursor<T> {
  const parameter = z
    .string()
    .max(512)
    .transform((text, context): T => {
      const [decodedKind, ...rest] = decode(text);
      const decoded = values.safeParse(rest);
      if (decodedKind === kind && decoded.success) return decoded.data;
      const message = 'is not a cursor of this list';
      context.issues.push({ code: 'custom', input: text, message, params: { code: 'invalid_cursor' } });
      return z.NEVER;
    })
    .describe('Where to continue: the cursor that the previous page returned.');
  return {
    format: (members) => Buffer.from(JSON.stringify([kind, ...members])).toString('base64url'),
    parameter,
  };
}

/** Returns an empty list if `text` is not a cursor of any kind. */
function decode(text: string): readonly unknown[] {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(decoded) ? decoded : [];
  } catch {
    return [];
  }
}

/** The values of a cursor that holds the number of the last item on a page. */
export const lastNumber = z.tuple([z.int().positive()]);
