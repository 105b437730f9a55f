import type { Simulator } from '../../simulator/simulator.ts';
import { toMs } from './convert.ts';
import { perform } from './perform.ts';
import type { ActionResult } from './perform.ts';
import { actionOf } from './scenario.ts';
import type { ScenarioStep, StepAction } from './scenario.ts';

/** Receives the result of each step, or the reason why the simulator refused it. */
export type OnStep = (
  action: StepAction['name'],
  result: ActionResult | { readonly problem: string },
) => void;

/** Performs each step at its time, and steps with time 0 at once. Disposing of the result cancels the remaining steps. */
export function play(simulator: Simulator, steps: readonly ScenarioStep[], onStep: OnStep): Disposable {
  const timers = steps
    .toSorted((a, b) => a.at - b.at)
    .flatMap((step) => {
      if (step.at > 0) return setTimeout(performStep, toMs(step.at), simulator, step, onStep);
      performStep(simulator, step, onStep);
      return [];
    });
  return {
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function performStep(simulator: Simulator, step: ScenarioStep, onStep: OnStep): void {
  const action = actionOf(step);
  if (action === undefined) return;
  try {
    // The input belongs to the action of this name, but the type of a name found at run time cannot express it.
    onStep(action.name, perform[action.name](simulator, action.input as never));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    onStep(action.name, { problem: error.message });
  }
}
