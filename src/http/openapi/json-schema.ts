import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.JSONSchema;
/** The schemas that have an id, by id. */
export type Components = Record<string, JsonSchema>;

const DEFINITIONS = '#/$defs/';
const COMPONENTS = '#/components/schemas/';

/** Returns a reference to a component of the document. */
export const componentRef = (id: string): JsonSchema => ({ $ref: COMPONENTS + id });

/**
 * Converts a schema, as it accepts (`input`) or returns (`output`) values, to JSON Schema 2020-12. Parts that have an id are added to
 * `components` and replaced by references. Outputs allow additional members, because later versions may add some.
 */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Components): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema: part }) {
      // The limits of integers in JavaScript are of no use to a reader.
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      // The format already says this; the pattern is 300 characters long.
      if (io === 'input' && part.format === 'date-time') delete part.pattern;
      // `readonly` in a type does not have the meaning of `readOnly` in OpenAPI.
      delete part.readOnly;
      if (io === 'input') describeDefault(part);
      if (io === 'output' && part.additionalProperties === false) delete part.additionalProperties;
    },
  });
  const { $schema: _dialect, $defs = {}, ...root } = withComponentRefs(generated);
  Object.assign(components, $defs);
  return root;
}

/**
 * Moves a default into the description. A generator of clients may take a member that has a default for one that is always
 * there, as openapi-typescript does, and would then demand it in requests.
 */
function describeDefault(part: JsonSchema): void {
  const { default: value, description } = part;
  delete part.default;
  if (value === undefined || typeof value === 'object') return;
  part.description = [description, `Default: ${JSON.stringify(value)}`].filter(Boolean).join('. ');
}

function withComponentRefs(schema: JsonSchema): JsonSchema {
  const replaced: unknown = JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace(DEFINITIONS, COMPONENTS) : value,
  );
  return replaced as JsonSchema;
}
