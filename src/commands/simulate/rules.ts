import { repeated } from '../../config/checks.ts';
import type { Finding, Path } from '../../config/faults.ts';
import { ACTION_NAMES } from './actions.ts';
import { stepSchema } from './scenario.ts';
import type { ScenarioStep } from './scenario.ts';

/** A step that is well-formed by itself, and where it stands. */
interface Placed {
  readonly step: ScenarioStep;
  readonly index: number;
}

/**
 * Every breach of the rules that span several places: one action a step, each id and policy once, nothing done to ids
 * that have not started. Steps that are faulty in themselves are looked past, so that they do not hide others.
 */
export function ruleFindings(value: object): readonly Finding[] {
  const steps: unknown = 'steps' in value ? value.steps : undefined;
  if (!Array.isArray(steps)) return [];
  const placed = steps.flatMap((step: unknown, index): readonly Placed[] => {
    const parsed = stepSchema.safeParse(step);
    return parsed.success ? [{ step: parsed.data, index }] : [];
  });
  return [
    ...placed.flatMap(actionFindings),
    ...repeated(placed.flatMap(startedIds), (first) => `the id is taken by ${first}`),
    ...repeated(placed.flatMap(policyNames), (first) => `the name is taken by ${first}`),
    // Without all steps nobody knows what is started.
    ...(placed.length === steps.length ? missingFindings(placed) : []),
  ];
}

function actionFindings({ step, index }: Placed): readonly Finding[] {
  const [first, second] = ACTION_NAMES.filter((name) => step[name] !== undefined);
  const path = ['steps', index];
  if (first === undefined) return [{ path, message: `does nothing: give one of ${ACTION_NAMES.join(', ')}` }];
  if (second === undefined) return [];
  return [{ path: [...path, second], message: `a step does one thing, and this one has ${first} already` }];
}

function startedIds({ step: { start, update }, index }: Placed) {
  const path = (action: string): Path => ['steps', index, action, 'id'];
  return [
    ...(start?.id === undefined ? [] : [{ key: start.id, path: path('start') }]),
    ...(update?.id === undefined ? [] : [{ key: update.id, path: path('update') }]),
  ];
}

function policyNames({ step: { policy }, index }: Placed) {
  if (policy === undefined) return [];
  const { name, accountId = '', region = '' } = policy;
  return [{ key: `${accountId}/${region}/${name}`, path: ['steps', index, 'policy', 'name'] }];
}

function missingFindings(placed: readonly Placed[]): readonly Finding[] {
  const inTime = placed.toSorted((a, b) => a.step.at - b.step.at);
  const started = new Set<string>();
  const everStarted = new Set(placed.flatMap(startedIds).map(({ key }) => key));
  return inTime.flatMap((one): readonly Finding[] => {
    for (const { key } of startedIds(one)) started.add(key);
    const { cancel, fault } = one.step;
    if (cancel !== undefined && !started.has(cancel.id)) {
      const message = everStarted.has(cancel.id) ? 'this id is started later' : 'no step starts this id';
      return [{ path: ['steps', one.index, 'cancel', 'id'], message }];
    }
    if (fault?.executionId === undefined || everStarted.has(fault.executionId)) return [];
    return [{ path: ['steps', one.index, 'fault', 'executionId'], message: 'no step starts this id' }];
  });
}
