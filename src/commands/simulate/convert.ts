import { defined } from '../../runtime/defined.ts';
import type { Choices, NamedFault, Step, Timeline } from '../../simulator/simulator.ts';

/** Scenarios and requests are in seconds; the simulator counts in milliseconds. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

/** Like `toMs`, for a duration that may be left out. */
export function toOptionalMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : toMs(seconds);
}

interface WrittenStep extends Omit<Step, 'afterMs'> {
  readonly afterSeconds: number;
}

export function toTimeline(steps: readonly WrittenStep[]): Timeline {
  return steps.map(({ afterSeconds, ...step }) => ({ ...step, afterMs: toMs(afterSeconds) }));
}

interface WrittenFault extends Omit<NamedFault, 'forMs'> {
  readonly forSeconds?: number;
}

export function toFault({ forSeconds, ...fault }: WrittenFault): NamedFault {
  return { ...fault, ...defined({ forMs: toOptionalMs(forSeconds) }) };
}

interface WrittenChoices extends Partial<Omit<Choices, 'cancelMs' | 'updateMs' | 'dateShiftMs'>> {
  readonly cancelSeconds?: number;
  readonly dateShiftSeconds?: number;
  readonly updateSeconds?: number;
}

export function toChoices({
  cancelSeconds,
  updateSeconds,
  dateShiftSeconds,
  ...choices
}: WrittenChoices): Partial<Choices> {
  return {
    ...choices,
    ...defined({
      cancelMs: toOptionalMs(cancelSeconds),
      updateMs: toOptionalMs(updateSeconds),
      dateShiftMs: toOptionalMs(dateShiftSeconds),
    }),
  };
}
