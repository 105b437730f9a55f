import * as z from 'zod';
import {
  cancelSchema,
  choiceSchema,
  faultSchema,
  policySchema,
  rateSchema,
  startSchema,
  updateSchema,
} from './schemas.ts';

const yes = z.literal(true, { error: 'must be true' });

/** What can be done to a simulator: the steps of a scenario. The control port offers the same. */
export const actionSchemas = {
  start: startSchema.describe('Starts an execution, or several random ones'),
  update: updateSchema.describe('Starts the update of an image, as StartResourceStateUpdate does'),
  cancel: cancelSchema.describe('Cancels an execution, as CancelLifecycleExecution does'),
  policy: policySchema.describe('Adds a lifecycle policy, which may run by itself'),
  fault: faultSchema.describe('Adds a fault: the first one that applies strikes'),
  clearFaults: yes.describe('Ends every fault'),
  rate: rateSchema.describe('The request budget from now on'),
  choose: choiceSchema.describe('Decides anew what AWS leaves open'),
  freeze: yes.describe('Executions stand still; answers go on'),
  thaw: yes.describe('Executions go on where they were frozen'),
  expireSessions: yes.describe('Temporary credentials given out so far are expired'),
};

export type ActionName = keyof typeof actionSchemas;
export const ACTION_NAMES = Object.keys(actionSchemas) as readonly ActionName[];
export type ActionOf<Name extends ActionName> = z.output<(typeof actionSchemas)[Name]>;
