/** Slack reads these three as markup everywhere (https://docs.slack.dev/messaging/formatting-message-text#escaping). */
const ENTITIES: Readonly<Partial<Record<string, string>>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Returns untrusted text as one line, without invisible characters and those that change the direction of writing. */
export function clean(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}

/** Returns a text escaped for Slack and cut to at most `limit` characters, never inside an entity or a surrogate pair. */
export function escaped(text: string, limit: number): string {
  let result = '';
  let cut = '';
  for (const char of text) {
    const next = ENTITIES[char] ?? char;
    // If the whole does not fit, it is cut here; one character is left for the ellipsis.
    if (result.length + next.length <= limit - 1) cut = result + next;
    result += next;
    if (result.length > limit) return `${cut}…`;
  }
  return result;
}

/** Returns a caption and, below it, a value in which nothing is markup, with at most `limit` characters in all. */
export function code(caption: string, value: string, limit: number): string {
  return fenced(caption, '`', clean(value), limit);
}

/** Does the same for longer text. */
export function codeBlock(caption: string, value: string, limit: number): string {
  return fenced(caption, '```', clean(value), limit);
}

function fenced(caption: string, fence: string, value: string, limit: number): string {
  const room = limit - caption.length - 2 * fence.length - 1;
  // No value can close its fence. An empty value would show the fence itself.
  const inside = escaped(value.replaceAll('`', "'"), room) || ' ';
  return `${caption}\n${fence}${inside}${fence}`;
}
