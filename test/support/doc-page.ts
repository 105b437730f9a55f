import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';

/** The generated parts of a page: each returns the Markdown between `<!-- generated: NAME -->` and `<!-- end -->`. */
export type Parts = Readonly<Record<string, () => string | Promise<string>>>;

/** A page of the documents, such as `docs/events.md`, that has generated parts. */
export async function pageText(name: string, parts: Parts): Promise<string> {
  const file = new URL(`../../${name}`, import.meta.url);
  const texts = new Map<string, string>();
  for (const [part, generate] of Object.entries(parts)) texts.set(part, await generate());
  const page = await readFile(file, 'utf8');
  const text = page.replaceAll(
    /(<!-- generated: ([\w-]+) -->)[^]*?(<!-- end -->)/g,
    (_, begin: string, part: string, end: string) => {
      const generated = texts.get(part);
      if (generated === undefined) throw new Error(`${name}: nothing generates ${part}`);
      return `${begin}\n\n${generated}\n\n${end}`;
    },
  );
  return format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
}

/** Returns a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

export const code = (text: string) => `\`${text}\``;
