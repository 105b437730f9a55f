import * as z from 'zod';
import { accountId, externalId, roleArn } from '../../config/fields.ts';
import { ACTION_NAMES, actionSchemas } from './actions.ts';
import type { ActionName, ActionOf } from './actions.ts';
import { choiceSchema } from './choice-schema.ts';
import { budgetSchema, seconds } from './schemas.ts';

const roleSchema = z.strictObject({
  arn: roleArn.describe('Calls made with the role are made in the account of this ARN'),
  externalId: z.exactOptional(externalId).describe('AssumeRole is denied without this external id'),
  sessionSeconds: z.exactOptional(seconds).describe('Lifetime of its credentials'),
});

const optionalActions = Object.fromEntries(
  ACTION_NAMES.map((name) => [name, z.exactOptional(actionSchemas[name] as z.ZodType)]),
) as { [Name in ActionName]: z.ZodExactOptional<(typeof actionSchemas)[Name]> };

export const stepSchema = z.strictObject({
  at: seconds.default(0).describe('Seconds after the simulator began to listen'),
  ...optionalActions,
});
export type ScenarioStep = z.output<typeof stepSchema>;

/** The contents of a scenario file. Rules that span several places are in `rules.ts`. */
export const scenarioSchema = z.strictObject({
  description: z.exactOptional(z.string().min(1)).describe('Purpose of the scenario'),
  seed: z
    .exactOptional(
      z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
    )
    .describe('Seed of random executions and probabilities; the same seed gives the same results'),
  latencySeconds: z.exactOptional(z.number().min(0).max(60)).describe('Delay of every response'),
  accounts: z
    .exactOptional(z.record(z.string().regex(/^\w{3,128}$/, 'must be an access key id'), accountId))
    .describe(
      'Accounts by access key id; other keys are refused. Default: every key belongs to account 123456789012',
    ),
  roles: z
    .exactOptional(z.array(roleSchema).max(1000))
    .describe('Roles that can be assumed. Default: every role'),
  sessionSeconds: z
    .exactOptional(seconds)
    .describe('Lifetime of temporary credentials. Default: as requested by the caller'),
  rate: z
    .exactOptional(budgetSchema)
    .describe('Request budget at the start. Default: 20 requests per second'),
  choose: z.exactOptional(choiceSchema).describe('Behaviour that AWS does not document, from the start'),
  steps: z.array(stepSchema).max(10_000).default([]).describe('Timed steps with one action each'),
});
export type Scenario = z.output<typeof scenarioSchema>;

/** The action of a step with its input. */
export type StepAction = {
  [Name in ActionName]: { readonly name: Name; readonly input: ActionOf<Name> };
}[ActionName];

/** Returns the action of a step; undefined if it has none, which `rules.ts` reports. */
export function actionOf(step: ScenarioStep): StepAction | undefined {
  const name = ACTION_NAMES.find((candidate) => step[candidate] !== undefined);
  return name === undefined ? undefined : ({ name, input: step[name] } as StepAction);
}

/** Returns the text of `config/scenarios/schema.json`, the schema of scenario files for editors. */
export function scenarioSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(scenarioSchema, { io: 'input' });
  const titled = { $schema, title: 'Scenario of lifecycle-watcher simulate', ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
