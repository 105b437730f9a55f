import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FINAL_STATUSES } from '../../src/domain/execution/status.ts';
import type { StoredEvent } from '../../src/http/reading.ts';
import { recordEnd } from '../support/record-final.ts';
import { NOW, startApi } from './api.ts';

interface Page {
  readonly events: readonly { readonly id: string }[];
  readonly next: string;
}

async function start() {
  const api = await startApi();
  return {
    ...api,
    page: async (query: string): Promise<Page> => {
      const response = await api.ask('GET', `/v1/events?${query}`);
      expect(response.status).toBe(200);
      return (await response.json()) as Page;
    },
    statusOf: async (query: string) => {
      const response = await api.ask('GET', `/v1/events?${query}`);
      await response.arrayBuffer();
      return response.status;
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Reads page after page until everything is written and there is no more. */
async function readAll(
  { page }: Started,
  query: string,
  isWritten: () => boolean,
  onRead: (ids: readonly string[]) => void,
) {
  const ids: string[] = [];
  const cursors: string[] = [];
  for (let after = ''; ;) {
    const isLast = isWritten();
    const { events, next } = await page(`${query}${after}`);
    ids.push(...events.map(({ id }) => id));
    onRead(ids);
    cursors.push(next);
    after = `&after=${next}`;
    if (isLast && events.length === 0) return { ids, cursors };
    await setImmediate();
  }
}

const EVENTS = 400;
const DAY_MS = 86_400_000;

test('readers get every event once and in order, even if events are recorded and deleted meanwhile', async () => {
  await using api = await start();
  const { store } = api;
  const { reading, intake, upkeep } = store;
  const written: StoredEvent[] = [];
  const numbers = new Map<string, number>();
  let isWritten = false;
  let unfilteredIds: readonly string[] = [];
  let failedIds: readonly string[] = [];

  /** Several run at once, so that transactions do not commit in the order they begin. */
  async function write() {
    for (let number = 0; number < EVENTS; number += 8) {
      const group = Array.from({ length: 8 }, (_, index) => number + index).map((each) => {
        const status = FINAL_STATUSES[each % FINAL_STATUSES.length] ?? 'FAILED';
        // One in ten has a pending delivery, so its event is kept.
        return recordEnd(store, each, status, each % 10 === 0 ? ['ops'] : [], NOW + each * DAY_MS);
      });
      for (const [index, execution] of (await Promise.all(group)).entries()) {
        numbers.set(execution.lifecycleExecutionId, number + index);
        if (index % 3 === 0) await intake.remove(execution, NOW + (number + index) * DAY_MS);
      }
      const { events } = await reading.feed({ after: written.at(-1)?.position ?? 0, limit: 1000 });
      written.push(...events);
    }
    isWritten = true;
  }

  /** Deletes the events that both readers have already read. */
  async function retain() {
    let deletions = 0;
    while (!isWritten) {
      const read = Math.min(
        unfilteredIds.length,
        written.findLastIndex(({ id }) => failedIds.includes(id)) + 1,
      );
      const first = written.slice(read).map(({ body }) => (JSON.parse(body) as { subject: string }).subject);
      // Later numbers may already be recorded, too.
      const oldest = Math.min(written.length, ...first.flatMap((id) => numbers.get(id) ?? []));
      if (written.length > 0 && read > 0)
        await upkeep.sweep({ finishedBefore: NOW + oldest * DAY_MS, deliveredBefore: 0, deadBefore: 0 }, 50);
      deletions = (await reading.feedBounds()).deletions;
      await setImmediate();
    }
    return deletions;
  }

  const [, deletions, all, some] = await Promise.all([
    write(),
    retain(),
    readAll(
      api,
      'limit=3',
      () => isWritten,
      (ids) => (unfilteredIds = ids),
    ),
    readAll(
      api,
      'limit=2&type=execution.f*&type=execution.canc*',
      () => isWritten,
      (ids) => (failedIds = ids),
    ),
  ]);
  expect(deletions).toBeGreaterThan(3);
  expect(written).toHaveLength(EVENTS);
  expect(all.ids).toEqual(written.map(({ id }) => id));
  expect(some.ids).toEqual(written.filter(({ type }) => /failed|cancelled/.test(type)).map(({ id }) => id));

  // A cursor before deleted events has expired.
  const [first] = all.cursors;
  expect(await api.statusOf(`after=${first}`)).toBe(410);
  expect(await api.statusOf(`after=${first}&type=target.*`)).toBe(410);
  expect(await api.statusOf(`after=${all.cursors.at(-1)}`)).toBe(200);
  const rest = await api.page('limit=1000');
  const keptIds = new Set(rest.events.map(({ id }) => id));
  expect(rest.events.map(({ id }) => id)).toEqual(
    written.filter(({ id }) => keptIds.has(id)).map(({ id }) => id),
  );
  expect(keptIds.size).toBeLessThan(EVENTS);
});

test('a filter that matches few events neither skips nor repeats those after its last match', async () => {
  await using api = await start();
  const record = (number: number, status: 'SUCCESS' | 'FAILED') =>
    recordEnd(api.store, number, status, [], NOW);
  for (let number = 0; number < 5; number += 1) await record(number, 'SUCCESS');
  const none = await api.page('limit=1&type=execution.failed');
  expect(none.events).toEqual([]);
  await record(5, 'FAILED');
  await record(6, 'SUCCESS');
  await record(7, 'FAILED');
  const one = await api.page(`limit=1&type=execution.failed&after=${none.next}`);
  const two = await api.page(`limit=1&type=execution.failed&after=${one.next}`);
  const end = await api.page(`limit=1&type=execution.failed&after=${two.next}`);
  expect([one, two, end].map(({ events }) => events.length)).toEqual([1, 1, 0]);
  // A reader that continues without the filter continues from the same place.
  expect((await api.page(`after=${one.next}`)).events).toHaveLength(2);
  expect((await api.page(`after=${none.next}`)).events).toHaveLength(3);
});
