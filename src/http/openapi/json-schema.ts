import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.JSONSchema;
/** The schemas that have an id, under it. */
export type Components = Record<string, JsonSchema>;

const DEFINITIONS = '#/$defs/';
const COMPONENTS = '#/components/schemas/';

/** A reference to a component of the document. */
export const componentRef = (id: string): JsonSchema => ({ $ref: COMPONENTS + id });

/**
 * What a schema takes (`input`) or gives (`output`), as JSON Schema 2020-12. Parts of it that have an id go to
 * `components` and are referred to. What is given may get more members some day, so it is not said to have no others.
 */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Components): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema: part }) {
      // That an integer is one that JavaScript can hold goes without saying.
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      // The format says it, the pattern takes 300 characters to.
      if (io === 'input' && part.format === 'date-time') delete part.pattern;
      // Readonly in our types is nothing that OpenAPI means by it.
      delete part.readOnly;
      if (io === 'output' && part.additionalProperties === false) delete part.additionalProperties;
    },
  });
  const { $schema: _dialect, $defs = {}, ...root } = withComponentRefs(generated);
  Object.assign(components, $defs);
  return root;
}

function withComponentRefs(schema: JsonSchema): JsonSchema {
  const replaced: unknown = JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace(DEFINITIONS, COMPONENTS) : value,
  );
  return replaced as JsonSchema;
}
