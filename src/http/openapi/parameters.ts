import { defined } from '../../runtime/defined.ts';
import type { JsonSchema } from './json-schema.ts';

/** Converts the members of an object to Parameter Objects. */
export function parameters(place: 'path' | 'query', { properties = {}, required = [] }: JsonSchema) {
  return Object.entries(properties).map(([name, member]) => {
    const { description, ...schema } = member as JsonSchema;
    return {
      name,
      in: place,
      required: required.includes(name),
      ...defined({ description }),
      ...(schema.type === 'object' ? spread(name, schema) : { schema }),
    };
  });
}

/** An object in a query takes the form of several parameters `name.KEY=VALUE`, which the style `form` describes. */
function spread(name: string, schema: JsonSchema) {
  const { pattern = '^' } = (schema.propertyNames ?? {}) as JsonSchema;
  const propertyNames = { pattern: `^${name}\\.${pattern.slice(1)}` };
  return { required: false, style: 'form', explode: true, schema: { ...schema, propertyNames } };
}
