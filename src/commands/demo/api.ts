import type * as z from 'zod';
import { pagesOf } from '../../runtime/pages.ts';
import { receivedFeedPageSchema } from '../../wire/event.ts';
import { receivedBatchResultsSchema } from '../../wire/registration.ts';
import { createDaemonClient } from '../api-client/client.ts';

const BATCH = 1000;
const PAGE = 1000;

/** The address of the daemon's API, and a token for it. */
export interface Api {
  readonly url: string;
  readonly token: string;
}

/** Registers executions in batches. Rejects if one is not accepted. */
export async function registerAll(api: Api, ids: readonly string[]): Promise<void> {
  const daemon = createDaemonClient(api);
  for (let at = 0; at < ids.length; at += BATCH) {
    const executions = ids.slice(at, at + BATCH).map((lifecycleExecutionId) => ({ lifecycleExecutionId }));
    const { results } = await daemon.ask(receivedBatchResultsSchema, '/v1/executions/batch', {
      scope: 'register',
      body: { executions },
    });
    const refused = results.find(({ outcome }) => outcome !== 'created');
    if (refused !== undefined) throw new Error(`not registered: ${JSON.stringify(refused)}`);
  }
}

/** Returns the ids of all events in the feed. */
export async function readFeed(api: Api): Promise<ReadonlySet<string>> {
  const daemon = createDaemonClient(api);
  const fetchPage = (after: string) =>
    daemon.ask(receivedFeedPageSchema, `/v1/events?limit=${PAGE}${after}`, { scope: 'read' });
  const nextOf = ({ events, next }: z.output<typeof receivedFeedPageSchema>) =>
    events.length < PAGE ? undefined : `&after=${encodeURIComponent(next)}`;
  const ids = new Set<string>();
  for await (const { events } of pagesOf('', fetchPage, nextOf)) for (const { id } of events) ids.add(id);
  return ids;
}
