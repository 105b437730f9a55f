import type { JsonSchema } from './json-schema.ts';

/** The members of an object as Parameter Objects. */
export function parameters(place: 'path' | 'query', { properties = {}, required = [] }: JsonSchema) {
  return Object.entries(properties).map(([name, given]) => {
    const { description, ...schema } = given as JsonSchema;
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      ...(schema.type === 'object' ? spread(name, schema) : { schema }),
    };
  });
}

/** An object in a query is given as several parameters `name.KEY=VALUE`: the style `form` puts its members side by side. */
function spread(name: string, schema: JsonSchema) {
  const { pattern = '^' } = (schema.propertyNames ?? {}) as JsonSchema;
  const propertyNames = { pattern: `^${name}\\.${pattern.slice(1)}` };
  return { required: false, style: 'form', explode: true, schema: { ...schema, propertyNames } };
}
