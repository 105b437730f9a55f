import * as z from 'zod';
import { choiceSchema } from './choice-schema.ts';
import { cancelSchema, faultSchema, policySchema, rateSchema, startSchema, updateSchema } from './schemas.ts';

const yes = z.literal(true, { error: 'must be true' });

/** The actions on a simulator. They are the steps of a scenario, and the control port offers the same. */
export const actionSchemas = {
  start: startSchema.describe('Starts an execution, or several random ones'),
  update: updateSchema.describe('Starts an update of an image, like StartResourceStateUpdate'),
  cancel: cancelSchema.describe('Cancels an execution, like CancelLifecycleExecution'),
  policy: policySchema.describe('Adds a lifecycle policy, which may run on a schedule'),
  fault: faultSchema.describe('Adds a fault; a call gets the first fault that applies to it'),
  clearFaults: yes.describe('Removes all faults'),
  rate: rateSchema.describe('Sets the request budget'),
  choose: choiceSchema.describe(
    'Changes how the simulator behaves where the behaviour of AWS is not documented',
  ),
  freeze: yes.describe('Freezes the executions; calls are still answered'),
  thaw: yes.describe('Continues frozen executions where they stopped'),
  expireSessions: yes.describe('Expires all temporary credentials issued so far'),
};

export type ActionName = keyof typeof actionSchemas;
export const ACTION_NAMES = Object.keys(actionSchemas) as readonly ActionName[];
export type ActionOf<Name extends ActionName> = z.output<(typeof actionSchemas)[Name]>;
