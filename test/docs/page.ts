import { readFile } from 'node:fs/promises';

/** A part of a page that its reader does something with, in the order of the page. */
export type Part =
  | { readonly kind: 'commands'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'json'; readonly value: unknown };

const ROOT = new URL('../../', import.meta.url);
/** A fenced block, with the name of the file that it shows if the paragraph above ends with one: "`config/watcher.yaml`:". */
const BLOCK = /(?:`([\w/.-]+)`:\n+)?^```(sh|yaml|js|json)\n([^]*?)^```$/gm;

/** Returns the blocks of commands, the files and the JSON of a page such as `README.md`. Examples in other languages are left out. */
export async function partsOf(page: string): Promise<readonly Part[]> {
  const text = await readFile(new URL(page, ROOT), 'utf8');
  return Array.from(text.matchAll(BLOCK)).flatMap(([, path, language, content = '']): readonly Part[] => {
    if (language === 'sh') return [{ kind: 'commands', text: content }];
    if (path !== undefined) return [{ kind: 'file', path, text: content }];
    return language === 'json' ? [{ kind: 'json', value: JSON.parse(content) }] : [];
  });
}
