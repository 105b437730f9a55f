import { WIRE_FORMS } from './wire.ts';
import type { WireForm } from './wire.ts';

/** What a Get answers to an id that it does not know. AWS documents none of them. */
export const UNKNOWN_ID_ANSWERS = ['invalid-request', 'client-exception', 'not-found', 'empty'] as const;
export type UnknownIdAnswer = (typeof UNKNOWN_ID_ANSWERS)[number];

/** What AWS's model and documentation leave open, each decided here. It can be changed at any time. */
export interface Choices {
  readonly unknownId: UnknownIdAnswer;
  /** Where the code of an error stands. */
  readonly errorWire: WireForm;
}

export const DEFAULT_CHOICES: Choices = { unknownId: 'invalid-request', errorWire: WIRE_FORMS[0] };
