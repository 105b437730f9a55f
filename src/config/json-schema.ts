import * as z from 'zod';
import { fileSchema } from './schema.ts';

/** The schema of the configuration file for editors, as the text of `config/schema.json`. */
export function jsonSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input' });
  const titled = { $schema, title: 'Configuration of lifecycle-watcher', ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
