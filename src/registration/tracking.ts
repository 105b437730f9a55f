import { targetText } from '../domain/execution/execution.ts';
import type { Execution, ExecutionKey, TargetKey } from '../domain/execution/execution.ts';

/** The tracked executions of one target, as far as a registration changes them. */
export interface Tracks {
  /** Tracks an active execution. If it is tracked already, only its wishes are updated. */
  track(execution: Execution): void;
  /** Stops tracking, unless the execution was registered again after the registration with this number. */
  forget(key: ExecutionKey, registration: number): void;
}

/** Finds the tracked executions of each target that is polled. */
export class Tracking {
  readonly #byTarget = new Map<string, Tracks>();

  /** Undefined if the target is not polled. */
  of(key: TargetKey): Tracks | undefined {
    return this.#byTarget.get(targetText(key));
  }

  set(key: TargetKey, tracks: Tracks): void {
    this.#byTarget.set(targetText(key), tracks);
  }

  delete(key: TargetKey): void {
    this.#byTarget.delete(targetText(key));
  }
}
