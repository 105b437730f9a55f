import { callbackFault } from '../../src/domain/delivery/callback.ts';
import type { CallbackEntry } from '../../src/domain/delivery/callback.ts';
import { keyText } from '../../src/domain/execution/execution.ts';
import type { Execution, ExecutionKey, Target } from '../../src/domain/execution/execution.ts';
import type { Deliveries } from '../../src/http/parts.ts';
import { startHttp } from '../../src/http/server.ts';
import type { HttpOptions, HttpParts, HttpServer, Readiness } from '../../src/http/server.ts';
import type { LiveExecution, TargetState } from '../../src/http/targets.ts';
import { createRegistrar } from '../../src/registration/registrar.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { expectDescribed } from '../support/openapi.ts';
import { recordNotices } from '../support/notices.ts';
import { openTemporaryStore } from '../support/store.ts';

/** The present time of the API. */
export const NOW = Date.UTC(2026, 10, 23, 6);
export const EAST: Target = { name: 'east', accountId: '123456789012', region: 'us-east-1' };
export const WEST: Target = { name: 'west', accountId: '123456789012', region: 'eu-west-1' };

export const REGISTER_TOKEN = 'register-token-0123456789';
export const READ_TOKEN = 'read-token-0123456789abc';
export const ADMIN_TOKEN = 'admin-token-0123456789ab';

export interface LogLine {
  readonly level: string;
  readonly fields: unknown;
  readonly message: unknown;
}

/** The collaborators of the API besides the store. Tests set their answers and read the requests made to them. */
export class OtherParts {
  targets: readonly Target[] = [EAST];
  endpoints: readonly string[] = ['ops'];
  /** The configured callbacks. */
  callbackEntries: readonly CallbackEntry[] = [];
  ready: Readiness = { ready: true };
  metrics: () => Promise<string> = () => Promise.resolve('up 1\n');
  /** Answers the request for a test event. */
  test: Deliveries['test'] = () => Promise.resolve(undefined);
  readonly clock: Clock = { ...systemClock, now: () => NOW };

  /** No poller runs here. These are the states that pollers would report: of targets by name, of executions by key. */
  readonly states = new Map<string, TargetState>();
  readonly lives = new Map<string, LiveExecution>();
  readonly tracked: Execution[] = [];
  readonly forgotten: ExecutionKey[] = [];
  readonly polledNow: ExecutionKey[] = [];

  readonly woken: string[] = [];
  readonly notices = recordNotices();
  /** The outcome of each registration. */
  get outcomes() {
    return this.notices.of('registered').map(({ outcome }) => outcome);
  }
  readonly logged: LogLine[] = [];
}

function partsOf(parts: OtherParts, store: Store): HttpParts {
  const { reading, operating, intake } = store;
  const isConfigured = (key: ExecutionKey) =>
    parts.targets.some(({ accountId, region }) => accountId === key.accountId && region === key.region);
  const counted = async (state: TargetState): Promise<TargetState> => {
    return { ...state, tracked: await store.countActive(state.target) };
  };
  const setPaused = async (name: string, isPaused: boolean) => {
    const state = parts.states.get(name);
    if (state === undefined) return undefined;
    await operating.pauseTarget(state.target, isPaused);
    const changed = { ...state, isPaused };
    parts.states.set(name, changed);
    return counted(changed);
  };
  const logAt = (level: string) => (fields: unknown, message?: unknown) =>
    void parts.logged.push({ level, fields, message });
  return {
    reading,
    operating,
    registrar: createRegistrar({
      intake,
      clock: parts.clock,
      notices: parts.notices,
      tracking: {
        of: () => ({
          track: (execution) => void parts.tracked.push(execution),
          forget: (key) => void parts.forgotten.push(key),
        }),
      },
      deliveries: { wake: (lane) => void parts.woken.push(lane) },
    }),
    targets: {
      configured: () => parts.targets,
      states: () => Promise.all(parts.states.values().map(counted)),
      pause: (name) => setPaused(name, true),
      resume: (name) => setPaused(name, false),
      live: (keys) => Promise.resolve(keys.map((key) => parts.lives.get(keyText(key)))),
      pollNow(key) {
        if (isConfigured(key)) parts.polledNow.push(key);
        return Promise.resolve(isConfigured(key));
      },
    },
    endpoints: () => parts.endpoints,
    deliveries: {
      wake: (endpoint) => void parts.woken.push(endpoint),
      test: (endpoint, signal) => parts.test(endpoint, signal),
    },
    callbackFault: (url) => callbackFault(parts.callbackEntries, url),
    notices: parts.notices,
    metricsText: async () => ({ contentType: 'text/plain; version=0.0.4', body: await parts.metrics() }),
    readiness: () => Promise.resolve(parts.ready),
    clock: parts.clock,
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
  };
}

export interface Api extends AsyncDisposable {
  readonly parts: OtherParts;
  readonly store: Store;
  readonly http: HttpServer;
  readonly url: string;
  /**
   * Sends a request with `token`, by default the admin token; '' sends none. Rejects if the answer does not match the
   * description of the API.
   */
  readonly ask: (method: string, path: string, body?: unknown, token?: string) => Promise<Response>;
}

/** Starts a server on a free port over `existing`, which stays open, or over a temporary store. */
export async function startApi(differing: Partial<HttpOptions> = {}, existing?: Store): Promise<Api> {
  await using opening = new AsyncDisposableStack();
  const store = existing ?? opening.use(await openTemporaryStore());
  const parts = new OtherParts();
  const http = opening.adopt(
    await startHttp(
      {
        host: '127.0.0.1',
        port: 0,
        tokens: [
          { name: 'ci', scopes: ['register'], value: REGISTER_TOKEN },
          { name: 'board', scopes: ['read'], value: READ_TOKEN },
          { name: 'operator', scopes: ['admin'], value: ADMIN_TOKEN },
        ],
        insecure: false,
        requestsPerMinute: 6000,
        trustedProxies: [],
        ...differing,
      },
      partsOf(parts, store),
    ),
    (started) => started.close(),
  );
  const url = urlOf(http, 'server');
  const open = opening.move();
  return {
    parts,
    store,
    http,
    url,
    async ask(method, path, body, token = ADMIN_TOKEN) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      await expectDescribed(method, path, response);
      return response;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

export function urlOf(http: HttpServer, part: 'server' | 'metrics'): string {
  const address = http.addresses.find((candidate) => candidate.part === part);
  if (address === undefined) throw new Error(`nothing listens as ${part}`);
  return `http://${address.host}:${address.port}`;
}

/** Returns the status, the code and the paths of all faults of a problem. */
export async function problemOf(response: Response) {
  const body = (await response.json()) as {
    code: string;
    status: number;
    errors?: { path: string; message: string }[];
  };
  return {
    type: response.headers.get('content-type'),
    status: response.status,
    code: body.code,
    paths: body.errors?.map(({ path }) => path).sort(),
  };
}
