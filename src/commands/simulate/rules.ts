import { repeated } from '../../config/checks.ts';
import type { Finding, Path } from '../../config/faults.ts';
import { ACTION_NAMES } from './actions.ts';
import { stepSchema } from './scenario.ts';
import type { ScenarioStep } from './scenario.ts';

/** A well-formed step with its index in the scenario. */
interface IndexedStep {
  readonly step: ScenarioStep;
  readonly index: number;
}

/**
 * Returns every breach of the rules that span several places: a step has one action, ids and policies are unique, and no
 * action refers to an id that has not started. Malformed steps are skipped, so that they do not hide other faults.
 */
export function ruleFindings(value: object): readonly Finding[] {
  const steps: unknown = 'steps' in value ? value.steps : undefined;
  if (!Array.isArray(steps)) return [];
  const indexed = steps.flatMap((step: unknown, index): readonly IndexedStep[] => {
    const parsed = stepSchema.safeParse(step);
    return parsed.success ? [{ step: parsed.data, index }] : [];
  });
  return [
    ...indexed.flatMap(actionFindings),
    ...repeated(indexed.flatMap(startedIds), (first) => `the id is already used by ${first}`),
    ...repeated(indexed.flatMap(policyNames), (first) => `the name is already used by ${first}`),
    // If some steps are malformed, the ids they start are not known.
    ...(indexed.length === steps.length ? missingFindings(indexed) : []),
  ];
}

function actionFindings({ step, index }: IndexedStep): readonly Finding[] {
  const [first, second] = ACTION_NAMES.filter((name) => step[name] !== undefined);
  const path = ['steps', index];
  if (first === undefined)
    return [{ path, message: `has no action: it must have one of ${ACTION_NAMES.join(', ')}` }];
  if (second === undefined) return [];
  return [{ path: [...path, second], message: `a step has one action, and this one already has ${first}` }];
}

function startedIds({ step: { start, update }, index }: IndexedStep) {
  const path = (action: string): Path => ['steps', index, action, 'id'];
  return [
    ...(start?.id === undefined ? [] : [{ key: start.id, path: path('start') }]),
    ...(update?.id === undefined ? [] : [{ key: update.id, path: path('update') }]),
  ];
}

function policyNames({ step: { policy }, index }: IndexedStep) {
  if (policy === undefined) return [];
  const { name, accountId = '', region = '' } = policy;
  return [{ key: `${accountId}/${region}/${name}`, path: ['steps', index, 'policy', 'name'] }];
}

function missingFindings(indexed: readonly IndexedStep[]): readonly Finding[] {
  const byTime = indexed.toSorted((a, b) => a.step.at - b.step.at);
  const started = new Set<string>();
  const everStarted = new Set(indexed.flatMap(startedIds).map(({ key }) => key));
  return byTime.flatMap((current): readonly Finding[] => {
    for (const { key } of startedIds(current)) started.add(key);
    const { cancel, fault } = current.step;
    if (cancel !== undefined && !started.has(cancel.id)) {
      const message = everStarted.has(cancel.id)
        ? 'the execution with this id starts later'
        : 'no step starts an execution with this id';
      return [{ path: ['steps', current.index, 'cancel', 'id'], message }];
    }
    if (fault?.executionId === undefined || everStarted.has(fault.executionId)) return [];
    return [
      {
        path: ['steps', current.index, 'fault', 'executionId'],
        message: 'no step starts an execution with this id',
      },
    ];
  });
}
