import * as z from 'zod';
import { CHOICE_LISTS } from '../../simulator/simulator.ts';
import { longSeconds } from './schemas.ts';

/** An optional choice; the first value of its list is the default. */
const chosen = <Name extends keyof typeof CHOICE_LISTS>(name: Name, description: string) => {
  const list: (typeof CHOICE_LISTS)[Name] = CHOICE_LISTS[name];
  return z.exactOptional(z.enum(list)).describe(`${description}. Default: ${list[0]}`);
};

const LONGEST_SHIFT_SECONDS = 100 * 365 * 86_400;

/** The choices for behaviour that AWS does not document. */
export const choiceSchema = z.strictObject({
  unknownId: chosen('unknownId', 'Response to an unknown id'),
  unknownArn: chosen('unknownArn', 'Response of a list of executions to an unknown ARN'),
  errorWire: chosen('errorWire', 'Place of the code of an error'),
  dateHeader: chosen('dateHeader', 'Whether answers have a Date header'),
  dateShiftSeconds: z
    .exactOptional(z.number().min(-LONGEST_SHIFT_SECONDS).max(LONGEST_SHIFT_SECONDS))
    .describe('How far the Date header is ahead of the clock; negative if it is behind. Default: 0'),
  listOrder: chosen('listOrder', 'Order of lists'),
  listPages: chosen('listPages', 'Length of pages compared with the requested one'),
  cancelOfEnded: chosen(
    'cancelOfEnded',
    'Response to cancelling an execution that has ended or is being cancelled',
  ),
  cancelWinner: chosen('cancelWinner', 'Winner if a run would end while it is being cancelled'),
  cancelShows: chosen('cancelShows', 'Status shown between a cancel and CANCELLED'),
  cancelSeconds: z.exactOptional(longSeconds).describe('Time from a cancel to CANCELLED. Default: 2'),
  lastRunChanges: chosen('lastRunChanges', 'Moment of a run at which dateLastRun of its policy changes'),
  lastRunTells: chosen(
    'lastRunTells',
    'Value of dateLastRun: the start of the run or the moment of the change',
  ),
  updateStarts: chosen('updateStarts', 'Effect of StartResourceStateUpdate'),
  updateKind: chosen('updateKind', 'Kind of course of such an execution'),
  updateSeconds: z.exactOptional(longSeconds).describe('Mean duration of such an execution. Default: 10'),
});
