import { expect, test } from 'vitest';
import { scenarioSchemaText } from '../src/commands/simulate/scenario.ts';
import { jsonSchemaText } from '../src/config/schema.ts';
import { eventJsonSchema } from '../src/wire/event.ts';
import { startApi } from './http/api.ts';
import { cliPageText } from './support/cli-page.ts';
import { configurationPageText } from './support/configuration-page.ts';
import { eventsPageText } from './support/events-page.ts';
import { httpApiPageText } from './support/http-api-page.ts';
import { metricsPageText } from './support/metrics-page.ts';
import { simulatorPageText } from './support/simulator-page.ts';

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
  ['docs/cli.md', cliPageText],
  ['docs/configuration.md', configurationPageText],
  ['docs/events.md', eventsPageText],
  // Reads config/openapi.json, which is written above.
  ['docs/http-api.md', httpApiPageText],
  ['docs/metrics.md', metricsPageText],
  ['docs/simulator.md', simulatorPageText],
])('%s is up to date; `npm run generate` writes it', async (name, text) => {
  await expect(await text()).toMatchFileSnapshot(new URL(`../${name}`, import.meta.url).pathname);
});
