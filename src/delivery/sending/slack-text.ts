/** Slack reads these three as markup everywhere (https://docs.slack.dev/messaging/formatting-message-text#escaping). */
const ENTITIES: Readonly<Partial<Record<string, string>>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** A text of someone else's as one line, without what cannot be seen or turns the direction of writing. */
export function clean(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}

/** Escaped for Slack, and cut to at most `limit` characters, of which none is half of an entity or of a pair. */
export function escaped(text: string, limit: number): string {
  let result = '';
  let cut = '';
  for (const char of text) {
    const next = ENTITIES[char] ?? char;
    // Where it would be cut, if the whole does not fit: one character is for the ellipsis.
    if (result.length + next.length <= limit - 1) cut = result + next;
    result += next;
    if (result.length > limit) return `${cut}…`;
  }
  return result;
}

/** A caption and below it a value in which nothing is markup; at most `limit` characters in all. */
export function code(caption: string, value: string, limit: number): string {
  return fenced(caption, '`', clean(value), limit);
}

/** The same for longer text. */
export function codeBlock(caption: string, value: string, limit: number): string {
  return fenced(caption, '```', clean(value), limit);
}

function fenced(caption: string, fence: string, value: string, limit: number): string {
  const room = limit - caption.length - 2 * fence.length - 1;
  // No value can end its fence; an empty one would be shown as the fence itself.
  const inside = escaped(value.replaceAll('`', "'"), room) || ' ';
  return `${caption}\n${fence}${inside}${fence}`;
}
