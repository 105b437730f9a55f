import { readFile } from 'node:fs/promises';
import { PROBLEMS } from '../../src/wire/problem.ts';
import { code, pageText, table } from './doc-page.ts';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly { readonly bearer?: readonly string[] }[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly style?: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

/** Formats what an answer holds: `{events, next}` for an object of its own, the name of a shared schema otherwise. */
function bodyText(media: string, { $ref, properties }: Schema): string {
  if ($ref !== undefined) return $ref.replace(/^.*\//, '');
  if (properties !== undefined) return code(`{${Object.keys(properties).join(', ')}}`);
  return media;
}

function answerText(operation: Operation): string {
  const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
  return good
    .map(([status, { content = {} }]) => {
      const bodies = Object.entries(content).map(([media, { schema }]) => bodyText(media, schema));
      return [status, ...bodies].join(' ');
    })
    .join(' · ');
}

async function requestsText(): Promise<string> {
  const file = new URL('../../config/openapi.json', import.meta.url);
  const { paths } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const query = operation.parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, style }) => (style === 'form' ? `${name}.KEY=` : `${name}=`));
      const address = path + (query.length === 0 ? '' : `?${query.join('&')}`);
      const text = [`${operation.summary}.`, operation.description ?? ''].join(' ').trim();
      const scope = operation.security[0]?.bearer?.[0] ?? 'none';
      return [code(`${method.toUpperCase()} ${address}`), scope, answerText(operation), text];
    }),
  );
  return table(['request', 'scope', 'answer', 'does'], rows);
}

const problemsText = () =>
  table(
    ['status', 'code', 'detail, unless something more specific is known'],
    Object.entries(PROBLEMS)
      .sort(([, a], [, b]) => a.status - b.status)
      .map(([name, { status, detail }]) => [String(status), code(name), detail]),
  );

/** Returns `docs/http-api.md` with its tables generated anew from `config/openapi.json` and the codes of problems. */
export const httpApiPageText = () =>
  pageText('docs/http-api.md', { requests: requestsText, problems: problemsText });
