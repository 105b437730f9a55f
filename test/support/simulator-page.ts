import { readFile, readdir } from 'node:fs/promises';
import { parse } from 'yaml';
import { routes } from '../../src/commands/simulate/control-routes.ts';
import { CHOICE_LISTS } from '../../src/simulator/simulator.ts';
import { code, pageText, table } from './doc-page.ts';

const SCENARIOS = new URL('../../config/scenarios/', import.meta.url);

async function scenariosText(): Promise<string> {
  const names = (await readdir(SCENARIOS)).filter((name) => name.endsWith('.yaml')).sort();
  const rows = names.map(async (name) => {
    const scenario = parse(await readFile(new URL(name, SCENARIOS), 'utf8')) as { description: string };
    return [`[${code(name)}](../config/scenarios/${name})`, scenario.description];
  });
  return table(['scenario', 'shows'], await Promise.all(rows));
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const routesText = () =>
  table(
    ['request', 'does'],
    routes.map(({ method, path, summary }) => [code(`${method} ${path}`), capitalized(summary)]),
  );

const choicesText = () =>
  table(
    ['choice', 'values, the default first'],
    Object.entries(CHOICE_LISTS).map(([name, values]) => [code(name), values.map(code).join(', ')]),
  );

/** Returns `docs/simulator.md` with its tables generated anew from the scenarios and the simulator. */
export const simulatorPageText = () =>
  pageText('docs/simulator.md', { scenarios: scenariosText, routes: routesText, choices: choicesText });
