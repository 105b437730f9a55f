import { Readable } from 'node:stream';
import { callbackFault } from '../../src/domain/callback.ts';
import type { CallbackEntry } from '../../src/domain/callback.ts';
import { keyText, targetText } from '../../src/domain/execution.ts';
import type { Execution, ExecutionKey, Target } from '../../src/domain/execution.ts';
import { matchesGlob } from '../../src/domain/filter.ts';
import { register } from '../../src/domain/registration.ts';
import type { RegistrationResult } from '../../src/domain/registration.ts';
import { startHttp } from '../../src/http/server.ts';
import type {
  HttpOptions,
  HttpParts,
  HttpServer,
  LiveExecution,
  Readiness,
  TargetState,
} from '../../src/http/server.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Store, StoredEvent } from '../../src/store/store.ts';
import { expectDescribed } from '../support/described.ts';

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

type OutboxPart = Pick<
  Store,
  | 'listDeliveries'
  | 'findDelivery'
  | 'resend'
  | 'resendSettled'
  | 'unhealthyLanes'
  | 'enableEndpoint'
  | 'outboxCounts'
  | 'backUp'
>;

const NO_OUTBOX: OutboxPart = {
  listDeliveries: () => Promise.resolve({ deliveries: [] }),
  findDelivery: () => Promise.resolve(undefined),
  resend: () => Promise.resolve(false),
  resendSettled: () => Promise.resolve({ count: 0 }),
  unhealthyLanes: () => Promise.resolve([]),
  enableEndpoint: () => Promise.resolve(),
  outboxCounts: () => Promise.resolve([]),
  backUp: () =>
    Promise.resolve({
      bytes: 4,
      content: () => Readable.from(['copy']),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** What the routes need, in memory; tests read and set the rest. */
export class FakeParts implements HttpParts {
  readonly executions = new Map<string, Execution>();
  /** Of the whole feed, with the execution that each tells of. */
  events: (StoredEvent & { readonly key: string })[] = [];
  bounds = { epoch: 'epoch-1', deletedUpTo: 0, deletions: 0 };
  targetList: readonly Target[] = [EAST];
  readonly lives = new Map<string, LiveExecution>();
  readonly polledNow: ExecutionKey[] = [];
  readonly outcomes: RegistrationResult['outcome'][] = [];
  readonly logged: LogLine[] = [];
  registerCalls = 0;
  ready: Readiness = { ready: true };
  metrics: () => Promise<string> = () => Promise.resolve('up 1\n');
  /** What every call to the store rejects with. */
  storeFailure: Error | undefined;
  /** Every call to the store waits for this. */
  held: Promise<unknown> | undefined;
  #registrations = 0;

  readonly clock = { ...systemClock, now: () => NOW };
  readonly log = {
    debug: this.#logAt('debug'),
    info: this.#logAt('info'),
    warn: this.#logAt('warn'),
    error: this.#logAt('error'),
  };

  /** Where deliveries are read from and resent. */
  outbox: OutboxPart = NO_OUTBOX;
  endpointList: readonly string[] = ['ops'];
  readonly woken: string[] = [];
  /** How a test of an endpoint goes. */
  tested: HttpParts['deliveries']['test'] = () => Promise.resolve(undefined);

  readonly store: HttpParts['store'] = {
    listDeliveries: (query) => this.#call(() => this.outbox.listDeliveries(query)),
    findDelivery: (id) => this.#call(() => this.outbox.findDelivery(id)),
    resend: (id) => this.#call(() => this.outbox.resend(id)),
    resendSettled: (query) => this.#call(() => this.outbox.resendSettled(query)),
    unhealthyLanes: () => this.#call(() => this.outbox.unhealthyLanes()),
    enableEndpoint: (endpoint) => this.#call(() => this.outbox.enableEndpoint(endpoint)),
    outboxCounts: () => this.#call(() => this.outbox.outboxCounts()),
    backUp: (signal) => this.#call(() => this.outbox.backUp(signal)),
    findById: (id) =>
      this.#call(() => this.#visible().filter(({ lifecycleExecutionId }) => lifecycleExecutionId === id)),
    list: (query) =>
      this.#call(() => {
        const all = this.#visible()
          .filter(({ registration }) => registration < (query.before ?? Infinity))
          .filter(({ tracking }) => query.tracking === undefined || tracking === query.tracking)
          .filter(({ status }) => query.status === undefined || status === query.status)
          .filter((execution) => !query.target || targetText(execution) === targetText(query.target))
          .filter(({ lifecyclePolicyArn: arn }) => query.policyArn === undefined || arn === query.policyArn)
          .filter(({ labels }) => Object.entries(query.labels ?? {}).every(([k, v]) => labels[k] === v))
          .sort((a, b) => b.registration - a.registration);
        const executions = all.slice(0, query.limit);
        const last = executions.at(-1);
        return { executions, ...(last && all.length > query.limit ? { next: last.registration } : {}) };
      }),
    eventsOf: (key, limit) =>
      this.#call(() => this.events.filter((event) => event.key === keyText(key)).slice(-limit)),
    feed: ({ after, types, limit }) =>
      this.#call(() => {
        const seen = this.events.filter(({ position }) => position > after);
        const events = seen
          .filter(({ type }) => types === undefined || types.some((glob) => matchesGlob(glob, type)))
          .slice(0, limit);
        const next = (events.length === limit ? events : seen).at(-1)?.position ?? after;
        return { events, next };
      }),
    feedBounds: () =>
      this.#call(() => ({
        ...this.bounds,
        latest: Math.max(this.bounds.deletedUpTo, this.events.at(-1)?.position ?? 0),
      })),
  };

  readonly targets = () => this.targetList;
  readonly endpoints = () => this.endpointList;
  /** Where callbacks may go: none by itself. */
  callbackEntries: readonly CallbackEntry[] = [];
  readonly callbackFault = (url: string) => callbackFault(this.callbackEntries, url);
  readonly deliveries: HttpParts['deliveries'] = {
    wake: (endpoint) => void this.woken.push(endpoint),
    test: (endpoint, signal) => this.tested(endpoint, signal),
  };
  readonly register: HttpParts['register'] = (registrations) =>
    this.#call(() => {
      this.registerCalls += 1;
      return registrations.map((registration) => {
        const known = this.executions.get(keyText(registration));
        const result = register(known, registration, NOW, (this.#registrations += 1));
        if (result.outcome !== 'invalid') this.executions.set(keyText(registration), result.execution);
        return result;
      });
    });
  readonly remove = (key: ExecutionKey) =>
    this.#call(() => {
      const known = this.executions.get(keyText(key));
      if (known === undefined || known.deletedAt !== undefined) return false;
      this.executions.set(keyText(key), { ...known, deletedAt: NOW });
      return true;
    });
  readonly pollNow = (key: ExecutionKey) => {
    if (!this.targetList.some((target) => targetText(target) === targetText(key))) return false;
    this.polledNow.push(key);
    return true;
  };
  readonly states = new Map<string, TargetState>();
  readonly targetStates = () => Promise.resolve([...this.states.values()]);
  readonly pauseTarget = (name: string) => Promise.resolve(this.#setPaused(name, true));
  readonly resumeTarget = (name: string) => Promise.resolve(this.#setPaused(name, false));
  #setPaused(name: string, isPaused: boolean): TargetState | undefined {
    const state = this.states.get(name);
    if (state === undefined) return undefined;
    const changed = { ...state, isPaused };
    this.states.set(name, changed);
    return changed;
  }
  readonly live = (key: ExecutionKey) => this.lives.get(keyText(key));
  readonly onRegistration = (outcome: RegistrationResult['outcome']) => void this.outcomes.push(outcome);
  readonly metricsText = async () => ({
    contentType: 'text/plain; version=0.0.4',
    body: await this.metrics(),
  });
  readonly readiness = () => Promise.resolve(this.ready);

  /** Puts an execution into the store as if it had been registered last. */
  put(execution: Omit<Execution, 'registration'>): void {
    const registration = (this.#registrations += 1);
    this.executions.set(keyText(execution), { ...execution, registration });
  }

  /** As retention deletes: not always the oldest. */
  deleteEvents(...positions: readonly number[]): void {
    const { epoch, deletions, deletedUpTo } = this.bounds;
    this.bounds = { epoch, deletions: deletions + 1, deletedUpTo: Math.max(deletedUpTo, ...positions) };
    this.events = this.events.filter(({ position }) => !positions.includes(position));
  }

  #visible(): Execution[] {
    return [...this.executions.values()].filter(({ deletedAt }) => deletedAt === undefined);
  }

  async #call<T>(answer: () => T | Promise<T>): Promise<T> {
    await this.held;
    if (this.storeFailure !== undefined) throw this.storeFailure;
    return answer();
  }

  #logAt(level: string) {
    return (fields: unknown, message?: unknown) => void this.logged.push({ level, fields, message });
  }
}

export interface Api extends AsyncDisposable {
  readonly parts: FakeParts;
  readonly http: HttpServer;
  readonly url: string;
  /** With the admin token unless another is given; '' for none. Rejects where the answer is not as described. */
  readonly ask: (method: string, path: string, body?: unknown, token?: string) => Promise<Response>;
}

/** A server on a free port over fake parts. */
export async function startApi(differing: Partial<HttpOptions> = {}): Promise<Api> {
  const parts = new FakeParts();
  const http = await startHttp(
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
    parts,
  );
  const url = urlOf(http, 'server');
  return {
    parts,
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
    [Symbol.asyncDispose]: () => http.close(),
  };
}

export function urlOf(http: HttpServer, part: 'server' | 'metrics'): string {
  const address = http.addresses.find((candidate) => candidate.part === part);
  if (address === undefined) throw new Error(`nothing listens as ${part}`);
  return `http://${address.host}:${address.port}`;
}

/** Status, code and the paths of all faults of a problem. */
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
