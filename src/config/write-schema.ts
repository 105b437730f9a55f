import { writeFile } from 'node:fs/promises';
import { jsonSchemaText } from './json-schema.ts';

await writeFile(new URL('../../config/schema.json', import.meta.url), jsonSchemaText());
