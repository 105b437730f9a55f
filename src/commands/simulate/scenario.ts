import * as z from 'zod';
import { accountId, externalId, roleArn } from '../../config/fields.ts';
import { ACTION_NAMES, actionSchemas } from './actions.ts';
import type { ActionName, ActionOf } from './actions.ts';
import { budgetSchema, choiceSchema, seconds } from './schemas.ts';

const roleSchema = z.strictObject({
  arn: roleArn.describe('Its account is the one that it calls for'),
  externalId: z.exactOptional(externalId).describe('Without it, or with another one, AssumeRole is denied'),
  sessionSeconds: z.exactOptional(seconds).describe('How long its credentials live'),
});

const optionalActions = Object.fromEntries(
  ACTION_NAMES.map((name) => [name, z.exactOptional(actionSchemas[name] as z.ZodType)]),
) as { [Name in ActionName]: z.ZodExactOptional<(typeof actionSchemas)[Name]> };

export const stepSchema = z.strictObject({
  at: seconds.default(0).describe('Seconds after the simulator has begun to listen'),
  ...optionalActions,
});
export type ScenarioStep = z.output<typeof stepSchema>;

/** A scenario file as it is written. Rules over several places of it are in `rules.ts`. */
export const scenarioSchema = z.strictObject({
  description: z.exactOptional(z.string().min(1)).describe('What it rehearses'),
  seed: z
    .exactOptional(
      z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
    )
    .describe('The same number gives the same random executions and chances'),
  latencySeconds: z.exactOptional(z.number().min(0).max(60)).describe('Every answer is held back so long'),
  accounts: z
    .exactOptional(z.record(z.string().regex(/^\w{3,128}$/, 'must be an access key id'), accountId))
    .describe('Accounts by access key; others are refused. Default: every key is of account 123456789012'),
  roles: z
    .exactOptional(z.array(roleSchema).max(1000))
    .describe('Those that may be assumed. Default: every role'),
  sessionSeconds: z
    .exactOptional(seconds)
    .describe('How long temporary credentials live. Default: what the caller asks for'),
  rate: z.exactOptional(budgetSchema).describe('The request budget at the start. Default: 20 a second'),
  choose: z.exactOptional(choiceSchema).describe('What AWS leaves open, decided from the start'),
  steps: z.array(stepSchema).max(10_000).default([]).describe('What happens, and when: one thing each'),
});
export type Scenario = z.output<typeof scenarioSchema>;

/** What a step does. */
export type StepAction = {
  [Name in ActionName]: { readonly name: Name; readonly given: ActionOf<Name> };
}[ActionName];

/** Undefined for a step without an action, which the rules refuse. */
export function actionOf(step: ScenarioStep): StepAction | undefined {
  const name = ACTION_NAMES.find((one) => step[one] !== undefined);
  return name === undefined ? undefined : ({ name, given: step[name] } as StepAction);
}

/** The schema of scenario files for editors, as the text of `config/scenarios/schema.json`. */
export function scenarioSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(scenarioSchema, { io: 'input' });
  const titled = { $schema, title: 'Scenario of lifecycle-watcher simulate', ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
