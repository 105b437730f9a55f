import { expect, test } from 'vitest';
import { scenarioSchemaText } from '../src/commands/simulate/scenario.ts';
import { jsonSchemaText } from '../src/config/schema.ts';
import { eventJsonSchema } from '../src/wire/event.ts';
import { startApi } from './http/api.ts';
import { eventsPageText } from './support/events-page.ts';

async function openApiText(): Promise<string> {
  await using api = await startApi();
  const document: unknown = await (await fetch(`${api.url}/openapi.json`)).json();
  return `${JSON.stringify(document, null, 2)}\n`;
}

const eventSchemaText = () => `${JSON.stringify(eventJsonSchema('input'), null, 2)}\n`;

test.each([
  ['config/schema.json', jsonSchemaText],
  ['config/scenarios/schema.json', scenarioSchemaText],
  ['config/openapi.json', openApiText],
  ['config/event.schema.json', eventSchemaText],
  ['docs/events.md', eventsPageText],
])('%s is up to date; `npm run generate` writes it', async (name, text) => {
  await expect(await text()).toMatchFileSnapshot(new URL(`../${name}`, import.meta.url).pathname);
});
