import { readDocument } from '../../config/document.ts';
import { inFileOrder } from '../../config/faults.ts';
import type { ConfigFault } from '../../config/faults.ts';
import { checkAgainst } from '../../config/issues.ts';
import { readText } from '../../config/load.ts';
import { ruleFindings } from './rules.ts';
import { scenarioSchema } from './scenario.ts';
import type { Scenario } from './scenario.ts';

export type ScenarioResult =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly file: string };

/** Reads and checks a scenario file. Returns the scenario, or all its faults with path and line. Never rejects. */
export async function loadScenario(file: string): Promise<ScenarioResult> {
  const read = await readText(file, 'the scenario');
  if (!read.ok) return { ok: false, file, faults: [{ path: '', message: read.problem }] };
  return parseScenario(read.text, file);
}

/** Checks a scenario given as text. Faults are reported under the name `file`. */
export function parseScenario(text: string, file = 'scenario'): ScenarioResult {
  const document = readDocument(text);
  if (!document.ok) return { ok: false, file, faults: inFileOrder(document.faults) };
  const shape = checkAgainst(scenarioSchema, document.value);
  const findings = [...(shape.ok ? [] : shape.findings), ...ruleFindings(document.value)];
  const faults = inFileOrder([...document.faults, ...findings.map(document.located)]);
  if (!shape.ok || faults.length > 0) return { ok: false, file, faults };
  return { ok: true, scenario: shape.value };
}
