const BATCH = 1000;
const PAGE = 1000;
const TIMEOUT_MS = 30_000;

/** Where the daemon's API is and what opens it. */
export interface Api {
  readonly url: string;
  readonly token: string;
}

async function ask({ url, token }: Api, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, {
    headers,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Registers executions in batches; rejects where one was not accepted. */
export async function registerAll(api: Api, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += BATCH) {
    const executions = ids.slice(at, at + BATCH).map((lifecycleExecutionId) => ({ lifecycleExecutionId }));
    const { results } = (await ask(api, '/v1/executions/batch', { executions })) as {
      readonly results: readonly { readonly outcome: string }[];
    };
    const refused = results.find(({ outcome }) => outcome !== 'created');
    if (refused !== undefined) throw new Error(`not registered: ${JSON.stringify(refused)}`);
  }
}

/** The ids of all events in the feed. */
export async function readFeed(api: Api): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let after = ''; ;) {
    const page = (await ask(api, `/v1/events?limit=${PAGE}${after}`)) as {
      readonly events: readonly { readonly id: string }[];
      readonly next: string;
    };
    for (const { id } of page.events) ids.add(id);
    if (page.events.length < PAGE) return ids;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}
