import { KINDS } from './timeline.ts';
import type { Kind } from './timeline.ts';
import { WIRE_FORMS } from './wire.ts';
import type { WireForm } from './wire.ts';

/** What is answered about an id, or the ARN of a list, that is not known. AWS documents none of them. */
export const UNKNOWN_ID_ANSWERS = ['invalid-request', 'client-exception', 'not-found', 'empty'] as const;
export type UnknownIdAnswer = (typeof UNKNOWN_ID_ANSWERS)[number];

/** What AWS's model and documentation leave open, each decided here. It can be changed at any time. */
export interface Choices {
  /** An id that is not known. Default: invalid-request. */
  readonly unknownId: UnknownIdAnswer;
  /** The ARN of a list of executions that is not known. Default: empty. */
  readonly unknownArn: UnknownIdAnswer;
  /** Where the code of an error stands. Default: header. */
  readonly errorWire: WireForm;
  /** The order of lists. Default: newest-first. */
  readonly listOrder: 'newest-first' | 'oldest-first' | 'random';
  /** Whether pages hold as many as was asked for, half as many, or nothing at first. Default: full. */
  readonly listPages: 'full' | 'short' | 'empty-first';
  /** The cancel of a run that has ended, or is being cancelled. Default: resource-in-use. */
  readonly cancelOfEnded: 'resource-in-use' | 'invalid-request' | 'accepted';
  /** Who wins where a run would end while its cancel is under way. Default: cancel. */
  readonly cancelWinner: 'cancel' | 'run' | 'random';
  /** Whether CANCELLING is seen on the way to CANCELLED. Default: cancelling. */
  readonly cancelShows: 'cancelling' | 'nothing';
  /** From the cancel to CANCELLED. Default: 2 s. */
  readonly cancelMs: number;
  /** The moment of a run at which its policy's dateLastRun changes. Default: start. */
  readonly lastRunChanges: 'start' | 'middle' | 'end';
  /** What dateLastRun then tells: when the run started, or the moment of the change. Default: start. */
  readonly lastRunTells: 'start' | 'change';
  /** Whether StartResourceStateUpdate starts an execution, and so answers an id. Default: execution. */
  readonly updateStarts: 'execution' | 'nothing';
  /** The course of such an execution. Default: succeeds. */
  readonly updateKind: Kind;
  /** Its mean length, from `updateAt` on where that is given. Default: 10 s. */
  readonly updateMs: number;
}

/** Every choice that is one of a closed list; the first is the default. */
export const CHOICE_LISTS = {
  unknownId: UNKNOWN_ID_ANSWERS,
  unknownArn: ['empty', 'invalid-request', 'client-exception', 'not-found'],
  errorWire: WIRE_FORMS,
  listOrder: ['newest-first', 'oldest-first', 'random'],
  listPages: ['full', 'short', 'empty-first'],
  cancelOfEnded: ['resource-in-use', 'invalid-request', 'accepted'],
  cancelWinner: ['cancel', 'run', 'random'],
  cancelShows: ['cancelling', 'nothing'],
  lastRunChanges: ['start', 'middle', 'end'],
  lastRunTells: ['start', 'change'],
  updateStarts: ['execution', 'nothing'],
  updateKind: KINDS,
} as const satisfies { readonly [Name in keyof Choices]?: readonly Choices[Name][] };
const lists: Readonly<Record<string, readonly unknown[]>> = CHOICE_LISTS;

/** `before`, with the choices that `next` makes. RangeError for one that there is not. */
export function choose(before: Choices, next: Partial<Choices>): Choices {
  const chosen: Record<string, unknown> = { ...before };
  for (const name of Object.keys(before) as (keyof Choices)[]) {
    const value = next[name];
    if (value === undefined) continue;
    const isAllowed = lists[name]?.includes(value) ?? (Number(value) >= 0 && Number(value) < Infinity);
    if (!isAllowed) throw new RangeError(`${name} cannot be ${value}`);
    chosen[name] = value;
  }
  return chosen as unknown as Choices;
}

export const DEFAULT_CHOICES: Choices = {
  unknownId: 'invalid-request',
  unknownArn: 'empty',
  errorWire: 'header',
  listOrder: 'newest-first',
  listPages: 'full',
  cancelOfEnded: 'resource-in-use',
  cancelWinner: 'cancel',
  cancelShows: 'cancelling',
  cancelMs: 2000,
  lastRunChanges: 'start',
  lastRunTells: 'start',
  updateStarts: 'execution',
  updateKind: 'succeeds',
  updateMs: 10_000,
};
