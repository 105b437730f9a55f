import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;
interface Answer {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}
export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly responses: Readonly<Record<string, Answer>>;
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
}

const file = new URL('../../config/openapi.json', import.meta.url);
const text = readFileSync(file, 'utf8');

/** The published description of the API. */
export const openApi = JSON.parse(text) as OpenApi;

/** The same document, but objects allow only the members that it describes. */
const strict = JSON.parse(text, (_key, value: unknown) => {
  const isObject = typeof value === 'object' && value !== null;
  const isClosed = isObject && 'properties' in value && 'type' in value && !('additionalProperties' in value);
  return isClosed ? { ...value, additionalProperties: false } : value;
}) as OpenApi;

// The patterns in the document are stricter than the formats.
const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false });
ajv.addSchema(strict, 'openapi');

const templates = Object.keys(openApi.paths)
  .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
  // If two templates match, the one without parameters is meant.
  .sort((a, b) => a.path.split('{').length - b.path.split('{').length);

const pointer = (...keys: readonly string[]) =>
  keys.map((key) => `/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

/** Throws if an answer is not as `config/openapi.json` describes it. Does not consume the body. */
export async function expectDescribed(method: string, url: string, response: Response): Promise<void> {
  const { pathname } = new URL(url, 'http://any');
  const subject = `${method} ${pathname}: ${response.status}`;
  const fail = (why: string) => {
    throw new Error(`${subject} ${why} in config/openapi.json (npm run generate)`);
  };
  const path = templates.find(({ pattern }) => pattern.test(pathname))?.path;
  const operation = openApi.paths[path ?? '']?.[method === 'HEAD' ? 'get' : method.toLowerCase()];
  if (path === undefined || operation === undefined) {
    if (![404, 405].includes(response.status)) fail('has no route');
    return;
  }
  const answer = operation.responses[response.status] ?? fail('is not an answer');
  const reference = answer.$ref;
  const { headers = {}, content } =
    reference === undefined ? answer : openApi.components.responses[reference.replace(/^.*\//, '')]!;
  for (const name of Object.keys(headers))
    if (!response.headers.has(name)) fail(`lacks the header ${name} described`);
  if (method === 'HEAD') return;

  const type = response.headers.get('content-type')?.replace(/;.*/, '');
  if (type === undefined && content === undefined) return;
  if (type === undefined || content?.[type] === undefined)
    fail(`has the type ${type ?? 'none'}, which is not described`);
  const place =
    reference ?? `#${pointer('paths', path, method.toLowerCase(), 'responses', String(response.status))}`;
  const validate = ajv.compile({ $ref: `openapi${place}${pointer('content', type!, 'schema')}` });
  const body = await response.clone().text();
  if (validate(type!.endsWith('json') ? JSON.parse(body) : body)) return;
  throw new Error(
    `${subject} is not as described: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 1000)}`,
  );
}
