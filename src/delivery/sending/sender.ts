import { lookup as systemLookup } from 'node:dns/promises';
import { isDeepStrictEqual } from 'node:util';
import type { buildConnector } from 'undici';
import type { Clock } from '../../runtime/clock.ts';
import { createDestinationGuard } from './destination-guard.ts';
import type { GuardRules } from './destination-guard.ts';
import { exchange } from './exchange.ts';
import { createGuardedConnector } from './guarded-connect.ts';
import type { Lookup } from './guarded-connect.ts';
import { outcomeOfAnswer, outcomeOfError } from './outcome.ts';
import type { AttemptResult } from './outcome.ts';
import { Pools } from './pools.ts';
import { createSigner } from './signature.ts';
import type { Signer } from './signature.ts';
import { createProxiedConnector } from './proxied-connect.ts';
import { slackMessage } from './slack-message.ts';

export interface Egress extends GuardRules {
  readonly httpsOnly: boolean;
  /** URL of the HTTP proxy that everything goes through; it may hold credentials. */
  readonly proxy?: string;
}

/** What is posted of an event: itself, or a message to a Slack incoming webhook. */
export type Format = 'cloudevents' | 'slack';

/** One attempt to bring an event to an endpoint. */
export interface DeliveryRequest {
  /** May hold credentials: it appears in no error. */
  readonly url: string;
  /** Default: cloudevents. */
  readonly format?: Format;
  /** Standard Webhooks secrets; the request is signed with each. Slack verifies nothing and needs none. */
  readonly secrets: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly eventId: string;
  /** The CloudEvent as it is stored: sent byte for byte, or what the message is made of. */
  readonly body: string;
  /** Cuts the attempt off. */
  readonly signal: AbortSignal;
}

export interface Sender extends AsyncDisposable {
  /** Makes one request. Never rejects; a status line that came within the timeout decides, whatever its body does. */
  send(request: DeliveryRequest): Promise<AttemptResult>;
  /** Holds for every request from now on; those under way go on to their end. */
  apply(egress: Egress): void;
}

export interface SenderParts {
  readonly egress: Egress;
  readonly clock: Pick<Clock, 'now'>;
  /** For the user agent. */
  readonly version: string;
  /** Default: the system's resolver. */
  readonly lookup?: Lookup;
}

/** How much is in flight is bounded by each endpoint's own limit; this one bounds file descriptors. */
const CONNECTIONS_PER_ORIGIN = 1024;
const IDLE_MS = 4000;
const LONGEST_IDLE_MS = 30_000;

const lookupAll: Lookup = (hostname) => systemLookup(hostname, { all: true });

/** Sends events to allowed addresses only, with no redirects, no proxy of the environment and a bound on everything. */
export function createSender({ egress, clock, version, lookup }: SenderParts): Sender {
  const closing = new AbortController();
  const sign = createSigner();
  let present = egress;
  let way = openWay(present);
  /** Ways that hold no longer, until their last request has ended. */
  const closed = new Set<Pools>();

  function openWay({ proxy, httpsOnly, ...rules }: Egress) {
    const isAllowed = createDestinationGuard(rules);
    const connect =
      proxy === undefined
        ? createGuardedConnector(isAllowed, lookup ?? lookupAll, closing.signal)
        : createProxiedConnector(proxy, isAllowed, closing.signal);
    return { httpsOnly, pools: createPools(connect) };
  }

  return {
    async send(request) {
      const { pools, httpsOnly } = way;
      const url = URL.parse(request.url);
      if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
        return { outcome: 'refused', error: 'not an http or https URL' };
      if (url.username !== '' || url.password !== '')
        return { outcome: 'refused', error: 'the URL holds a user name or password' };
      if (httpsOnly && url.protocol !== 'https:')
        return { outcome: 'refused', error: 'egress.httpsOnly allows no plain http' };

      const { timeoutMs, signal } = request;
      try {
        const content = contentOf(request, sign, clock.now());
        const { httpStatus, retryAfter } = await exchange(
          pools,
          {
            origin: url.origin,
            path: url.pathname + url.search,
            method: 'POST',
            headers: {
              'user-agent': `lifecycle-watcher/${version}`,
              ...lowerCased(request.headers),
              ...content.headers,
            },
            body: content.body,
          },
          { timeoutMs, signal },
        );
        return outcomeOfAnswer(httpStatus, retryAfter, clock.now());
      } catch (error) {
        return outcomeOfError(error);
      }
    },
    apply(next) {
      if (isDeepStrictEqual(next, present)) return;
      present = next;
      const { pools } = way;
      way = openWay(next);
      closed.add(pools);
      void pools.close().finally(() => closed.delete(pools));
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([way.pools, ...closed].map((pools) => pools.destroy()));
    },
  };
}

function createPools(connect: buildConnector.connector): Pools {
  return new Pools({
    connect,
    allowH2: false,
    connections: CONNECTIONS_PER_ORIGIN,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: LONGEST_IDLE_MS,
    // The limit of the whole exchange is the request's own.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function contentOf(request: DeliveryRequest, sign: Signer, now: number) {
  const { format = 'cloudevents' } = request;
  switch (format) {
    case 'cloudevents': {
      const signature = signatureHeaders(request, sign, now);
      return {
        headers: { 'content-type': 'application/cloudevents+json', ...signature },
        body: request.body,
      };
    }
    case 'slack':
      return { headers: { 'content-type': 'application/json' }, body: slackMessage(request.body) };
  }
}

/** The timestamp is that of this attempt. */
function signatureHeaders({ eventId, body, secrets }: DeliveryRequest, sign: Signer, now: number) {
  const timestampSeconds = Math.floor(now / 1000);
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': sign(secrets, { eventId, timestampSeconds, body }),
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
