import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/random.ts';
import type { Watcher } from './watcher.ts';

/** The parts of a feed event that are checked. */
export interface FeedEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly executionsequence?: number;
  readonly data: {
    readonly execution?: { readonly status?: string; readonly endTime?: string };
    readonly transition?: {
      readonly from: string | null;
      readonly to: string;
      readonly firstSeenToAt: string;
    };
  };
}

const PAUSE_MS = 250;
const LARGEST_PAGE = 100;
const FINAL_TYPE = /\.execution\.(succeeded|failed|cancelled)$/;

interface Page {
  readonly events: readonly FeedEvent[];
  readonly next: string;
}

/** Follows the feed with one cursor across all restarts. */
export class FeedReader {
  readonly events: FeedEvent[] = [];
  /** Executions whose final status was in the feed. */
  readonly ended = new Set<string>();
  /** Answers that were neither a page nor a 503. */
  readonly refusals: string[] = [];
  readonly #watcher: Watcher;
  readonly #random: Random;
  #cursor: string | undefined;

  constructor(watcher: Watcher, random: Random) {
    this.#watcher = watcher;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.readPage();
      await sleep(PAUSE_MS * this.#random());
    }
  }

  /** Reads the next page and returns the number of its events, or undefined if there was no page. */
  async readPage(): Promise<number | undefined> {
    const limit = String(1 + Math.floor(LARGEST_PAGE * this.#random()));
    const query = new URLSearchParams({
      limit,
      ...(this.#cursor === undefined ? {} : { after: this.#cursor }),
    });
    const answer = await this.#watcher.request('GET', `/v1/events?${query.toString()}`);
    if (answer === undefined) return undefined;
    if (answer.status !== 200) {
      // The daemon is stopping or its store is unavailable, so the page is requested again later.
      if (answer.status !== 503) this.refusals.push(`${answer.status} ${answer.text}`);
      return undefined;
    }
    const { events, next } = JSON.parse(answer.text) as Page;
    this.events.push(...events);
    for (const { type, subject } of events) if (FINAL_TYPE.test(type)) this.ended.add(subject);
    this.#cursor = next;
    return events.length;
  }
}
