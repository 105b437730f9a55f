import type { Choices, NamedFault, Step, Timeline } from '../../simulator/simulator.ts';

/** People write seconds; the simulator counts milliseconds. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
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
  return { ...fault, ...(forSeconds !== undefined && { forMs: toMs(forSeconds) }) };
}

interface WrittenChoices extends Partial<Omit<Choices, 'cancelMs' | 'updateMs'>> {
  readonly cancelSeconds?: number;
  readonly updateSeconds?: number;
}

export function toChoices({ cancelSeconds, updateSeconds, ...choices }: WrittenChoices): Partial<Choices> {
  return {
    ...choices,
    ...(cancelSeconds !== undefined && { cancelMs: toMs(cancelSeconds) }),
    ...(updateSeconds !== undefined && { updateMs: toMs(updateSeconds) }),
  };
}
