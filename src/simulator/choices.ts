import { KINDS } from './timeline.ts';
import type { Kind } from './timeline.ts';
import { WIRE_FORMS } from './wire.ts';
import type { WireForm } from './wire.ts';

/** The possible answers about an unknown id, or about an unknown ARN of a list. AWS documents none of them. */
export const UNKNOWN_ID_ANSWERS = ['invalid-request', 'client-exception', 'not-found', 'empty'] as const;
export type UnknownIdAnswer = (typeof UNKNOWN_ID_ANSWERS)[number];

/** The behaviour that AWS's model and documentation leave open. Each choice can be changed at any time. */
export interface Choices {
  /** The answer about an unknown id. Default: invalid-request. */
  readonly unknownId: UnknownIdAnswer;
  /** The answer to a list of executions for an unknown ARN. Default: empty. */
  readonly unknownArn: UnknownIdAnswer;
  /** The place of an error's code in the response. Default: header. */
  readonly errorWire: WireForm;
  /** Whether answers have a `Date` header. Default: sent. */
  readonly dateHeader: 'sent' | 'omitted';
  /** How far the `Date` header is ahead of the clock; negative if it is behind. Default: 0. */
  readonly dateShiftMs: number;
  /** The order of lists. Default: newest-first. */
  readonly listOrder: 'newest-first' | 'oldest-first' | 'random';
  /** Pages hold as many items as the caller asks for, half as many, or none on the first page. Default: full. */
  readonly listPages: 'full' | 'short' | 'empty-first';
  /** The answer to the cancel of a run that has ended or is being cancelled. Default: resource-in-use. */
  readonly cancelOfEnded: 'resource-in-use' | 'invalid-request' | 'accepted';
  /** Decides the end of a run that would end while its cancel is under way. Default: cancel. */
  readonly cancelWinner: 'cancel' | 'run' | 'random';
  /** The status shown between the cancel and CANCELLED: CANCELLING, or no other. Default: cancelling. */
  readonly cancelShows: 'cancelling' | 'nothing';
  /** The time from the cancel to CANCELLED. Default: 2 s. */
  readonly cancelMs: number;
  /** The moment of a run at which its policy's dateLastRun changes. Default: start. */
  readonly lastRunChanges: 'start' | 'middle' | 'end';
  /** The instant that dateLastRun then shows: the start of the run, or the moment of the change. Default: start. */
  readonly lastRunTells: 'start' | 'change';
  /** `execution` if StartResourceStateUpdate starts an execution and returns its id. Default: execution. */
  readonly updateStarts: 'execution' | 'nothing';
  /** The course of such an execution. Default: succeeds. */
  readonly updateKind: Kind;
  /** The mean length of such an execution, from `updateAt` on if the caller gives one. Default: 10 s. */
  readonly updateMs: number;
}

/** The allowed values of each choice from a closed list. The first one is the default. */
export const CHOICE_LISTS = {
  unknownId: UNKNOWN_ID_ANSWERS,
  unknownArn: ['empty', 'invalid-request', 'client-exception', 'not-found'],
  errorWire: WIRE_FORMS,
  dateHeader: ['sent', 'omitted'],
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
const LONGEST_SHIFT_MS = 100 * 365 * 86_400_000;
const lists: Readonly<Record<string, readonly unknown[]>> = CHOICE_LISTS;

/** Returns `before` with the choices in `next`. Throws a RangeError if a value is not allowed. */
export function choose(before: Choices, next: Partial<Choices>): Choices {
  const chosen: Record<string, unknown> = { ...before };
  for (const name of Object.keys(before) as (keyof Choices)[]) {
    const value = next[name];
    if (value === undefined) continue;
    if (!(lists[name]?.includes(value) ?? isDuration(name, Number(value))))
      throw new RangeError(`${name} cannot be ${value}`);
    chosen[name] = value;
  }
  return chosen as unknown as Choices;
}

function isDuration(name: keyof Choices, ms: number): boolean {
  return name === 'dateShiftMs' ? Math.abs(ms) <= LONGEST_SHIFT_MS : ms >= 0 && ms < Infinity;
}

export const DEFAULT_CHOICES: Choices = {
  unknownId: 'invalid-request',
  unknownArn: 'empty',
  errorWire: 'header',
  dateHeader: 'sent',
  dateShiftMs: 0,
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
