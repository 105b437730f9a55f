import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { FeedReader } from './feed-reader.ts';
import type { Moments } from './moments.ts';
import type { Watcher } from './watcher.ts';

type Labels = Readonly<Record<string, string>>;

const MEAN_DURATION_MS = 5000;
/** The limit on executions whose end is not reported yet. It keeps the daemon busy without overloading it. */
const MOST_OPEN = 120;
const MOST_AT_ONCE = 6;
const PAUSE_MS = 100;
/** The share of executions that AWS does not know yet when they are registered, as shortly after their start. */
const LATE_SHARE = 0.1;
const LATE_MS = 1500;
const AGAIN_SHARE = 0.2;
const CANCEL_SHARE = 0.05;

interface Result {
  readonly lifecycleExecutionId: string;
  readonly outcome: string;
}

export interface LoadParts {
  readonly simulator: Simulator;
  readonly watcher: Watcher;
  readonly reader: FeedReader;
  readonly moments: Moments;
  readonly random: Random;
}

/** Starts executions and registers them like a careful client, which repeats each request until it is acknowledged. */
export class Load {
  /** Acknowledged executions, with all labels that were acknowledged. */
  readonly acknowledged = new Map<string, Labels>();
  readonly #parts: LoadParts;
  readonly #waiting = new Map<string, Labels>();
  #started = 0;
  sentRegistrations = 0;
  refusedRegistrations = 0;
  unansweredRegistrations = 0;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** Starts executions until `ending` aborts; then sends on until all are acknowledged, or `givenUp` aborts. */
  async run(ending: AbortSignal, givenUp: AbortSignal): Promise<void> {
    while (!givenUp.aborted && (!ending.aborted || this.#waiting.size > 0)) {
      if (!ending.aborted) this.#start();
      await this.#send();
      await sleep(PAUSE_MS * this.#parts.random());
    }
  }

  /** The number of started executions whose end is not in the feed yet. */
  openExecutions(): number {
    return this.#started - this.#parts.reader.ended.size;
  }

  #start(): void {
    const { simulator, random } = this.#parts;
    const room = MOST_OPEN - this.openExecutions();
    const count = Math.min(room, Math.floor(random() * (MOST_AT_ONCE + 1)));
    for (let started = 0; started < count; started += 1) {
      const [id = ''] =
        random() < LATE_SHARE
          ? [simulator.start({ timeline: lateTimeline(random) })]
          : simulator.startRandom({ meanDurationMs: MEAN_DURATION_MS });
      this.#started += 1;
      this.#waiting.set(id, { number: String(this.#started) });
    }
    const acknowledgedIds = [...this.acknowledged.keys()];
    const pickId = () => acknowledgedIds[Math.floor(random() * acknowledgedIds.length)];
    const again = random() < AGAIN_SHARE ? pickId() : undefined;
    if (again !== undefined) this.#waiting.set(again, { again: 'yes' });
    const cancelled = random() < CANCEL_SHARE ? pickId() : undefined;
    if (cancelled !== undefined) simulator.cancel(cancelled);
  }

  async #send(): Promise<void> {
    const { watcher, moments, random } = this.#parts;
    const batch = [...this.#waiting].slice(0, 1 + Math.floor(random() * MOST_AT_ONCE));
    const [first] = batch;
    if (first === undefined || !watcher.isListening()) return;
    const isBatch = batch.length > 1;
    const executions = (isBatch ? batch : [first]).map(([lifecycleExecutionId, labels]) => ({
      lifecycleExecutionId,
      labels,
    }));
    this.sentRegistrations += executions.length;
    const answering = isBatch
      ? watcher.request('POST', '/v1/executions/batch', { executions })
      : watcher.request('POST', '/v1/executions', executions[0]);
    moments.emit('registration');
    const answer = await answering;
    if (answer === undefined) {
      this.unansweredRegistrations += executions.length;
      return;
    }
    if (answer.status >= 300) {
      this.refusedRegistrations += executions.length;
      return;
    }
    const results = isBatch ? (JSON.parse(answer.text) as { results: readonly Result[] }).results : [];
    for (const { lifecycleExecutionId, labels } of executions) {
      const result = results.find((candidate) => candidate.lifecycleExecutionId === lifecycleExecutionId);
      if (isBatch && result?.outcome !== 'created' && result?.outcome !== 'existing') continue;
      this.acknowledged.set(lifecycleExecutionId, {
        ...this.acknowledged.get(lifecycleExecutionId),
        ...labels,
      });
      this.#waiting.delete(lifecycleExecutionId);
    }
  }
}

function lateTimeline(random: Random) {
  const beginsAfterMs = Math.ceil(LATE_MS * random()) + 1;
  return [
    { status: 'IN_PROGRESS', afterMs: beginsAfterMs },
    { status: 'SUCCESS', afterMs: beginsAfterMs + MEAN_DURATION_MS },
  ];
}
