import { jsonSchemaText } from '../../src/config/schema.ts';
import { code, pageText, table } from './doc-page.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

const isSection = (schema: Schema): boolean => schema.properties !== undefined;
const isSecretReference = ({ anyOf }: Schema) =>
  anyOf?.some(({ properties = {} }) => 'env' in properties) === true;

function rangeText({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const least = minimum ?? exclusiveMinimum;
  if (least === undefined || maximum === undefined) return '';
  return exclusiveMinimum === undefined ? `, ${least} to ${maximum}` : `, above ${least}, up to ${maximum}`;
}

/** Formats the values that a key takes. */
function valueText(schema: Schema): string {
  if (isSecretReference(schema)) {
    const others = schema.anyOf?.flatMap(({ type = '' }) => (type === 'object' ? [] : [type])) ?? [];
    return [...others, 'secret'].join(' or ');
  }
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.items !== undefined)
    return isSection(schema.items) ? 'list' : `list of: ${valueText(schema.items)}`;
  if (isSection(schema)) return 'mapping';
  if (typeof schema.additionalProperties === 'object')
    return `mapping of: ${valueText(schema.additionalProperties)}`;
  return `${schema.type ?? 'any'}${rangeText(schema)}`;
}

function defaultText(schema: Schema, isRequired: boolean): string {
  if (isRequired) return 'required';
  if (schema.default === undefined || isSection(schema)) return '';
  return code(JSON.stringify(schema.default).replaceAll('"', "'"));
}

/** Yields a row for each key below `schema`, in the order of the file. */
function* rowsOf(schema: Schema, path: string): Generator<readonly string[]> {
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (member.description === undefined) throw new Error(`${path}${key} has no description`);
    const isRequired = schema.required?.includes(key) === true && member.default === undefined;
    const inner = member.items ?? member;
    const name = `${path}${key}${member.items !== undefined && isSection(inner) ? '[]' : ''}`;
    yield [code(name), valueText(member), defaultText(member, isRequired), member.description];
    if (!isSecretReference(inner)) yield* rowsOf(inner, `${name}.`);
  }
}

const keysText = () =>
  table(
    ['key', 'value', 'default', 'meaning'],
    Array.from(rowsOf(JSON.parse(jsonSchemaText()) as Schema, '')),
  );

/** Returns `docs/configuration.md` with the table of keys generated anew from the schema of the file. */
export const configurationPageText = () => pageText('docs/configuration.md', { keys: keysText });
