import type { Simulator } from '../../simulator/simulator.ts';
import { toMs } from './convert.ts';
import { perform } from './perform.ts';
import type { Done } from './perform.ts';
import { actionOf } from './scenario.ts';
import type { ScenarioStep, StepAction } from './scenario.ts';

/** Told of each step when it is taken: what came of it, or why the simulator refused it. */
export type Tell = (action: StepAction['name'], done: Done | { readonly problem: string }) => void;

/** Takes each step at its time; those of time 0 at once. Disposing of it leaves out those that are to come. */
export function play(simulator: Simulator, steps: readonly ScenarioStep[], tell: Tell): Disposable {
  const timers = steps
    .toSorted((a, b) => a.at - b.at)
    .flatMap((step) => {
      if (step.at > 0) return setTimeout(take, toMs(step.at), simulator, step, tell);
      take(simulator, step, tell);
      return [];
    });
  return {
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function take(simulator: Simulator, step: ScenarioStep, tell: Tell): void {
  const action = actionOf(step);
  if (action === undefined) return;
  try {
    // Each action is given what belongs to its own name, which a type cannot say of a name found at run time.
    tell(action.name, perform[action.name](simulator, action.given as never));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tell(action.name, { problem: error.message });
  }
}
