import { lookup as systemLookup } from 'node:dns/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AttemptResult } from '../../domain/delivery/delivery.ts';
import type { Clock } from '../../runtime/clock.ts';
import { resultOfAnswer, resultOfError } from './attempt-result.ts';
import { createDirectConnect } from './connect.ts';
import type { Connect } from './connect.ts';
import { Connections } from './connections.ts';
import { createContentWriter } from './content.ts';
import type { OutgoingEvent } from './content.ts';
import { createDestinationGuard } from './destination-guard.ts';
import type { GuardRules } from './destination-guard.ts';
import { createDial } from './dial.ts';
import { exchange } from './exchange.ts';
import { Names } from './names.ts';
import type { Lookup } from './names.ts';
import { createProxiedConnect } from './proxied-connect.ts';

export interface Egress extends GuardRules {
  readonly httpsOnly: boolean;
  /** URL of the HTTP proxy that every request goes through; it may hold credentials. */
  readonly proxy?: string;
}

/** One attempt to deliver an event to an endpoint. */
export interface DeliveryRequest extends OutgoingEvent {
  /** It may hold credentials, so no error repeats it. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Covers the whole exchange. */
  readonly timeoutMs: number;
  /** Cuts the attempt off. */
  readonly signal: AbortSignal;
}

export interface Sender extends AsyncDisposable {
  /** Makes one request. Never rejects. A status line that came within the timeout decides, whatever happens to its body. */
  send(request: DeliveryRequest): Promise<AttemptResult>;
  /** Replaces the rules for later requests. Requests under way end under the rules they began with. */
  apply(egress: Egress): void;
}

export interface SenderOptions {
  readonly egress: Egress;
  readonly clock: Pick<Clock, 'now' | 'monotonicNow'>;
  /** Goes into the user agent. */
  readonly version: string;
  /** Default: the system's resolver. */
  readonly lookup?: Lookup;
}

const lookupAll: Lookup = (hostname) => systemLookup(hostname, { all: true });

/**
 * Creates a sender that connects to allowed addresses only, follows no redirects, ignores the proxies of the environment, and
 * limits the time and size of each exchange.
 */
export function createSender(options: SenderOptions): Sender {
  return new PooledSender(options);
}

class PooledSender implements Sender {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #userAgent: string;
  readonly #names: Names;
  readonly #connections: Connections;
  readonly #writeContent = createContentWriter();
  #egress: Egress;

  constructor({ egress, clock, version, lookup = lookupAll }: SenderOptions) {
    this.#clock = clock;
    this.#userAgent = `lifecycle-watcher/${version}`;
    this.#names = new Names(lookup, clock);
    this.#egress = egress;
    this.#connections = new Connections(createConnect(egress, this.#names));
  }

  async send(request: DeliveryRequest): Promise<AttemptResult> {
    const url = acceptableUrl(request.url, this.#egress);
    if (typeof url === 'string') return { outcome: 'refused', error: url };
    try {
      const content = this.#writeContent(request, this.#clock.now());
      const { httpStatus, retryAfter } = await exchange(
        this.#connections,
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: {
            'user-agent': this.#userAgent,
            ...lowerCased(request.headers),
            ...content.headers,
          },
          body: content.body,
        },
        request,
      );
      return resultOfAnswer(httpStatus, retryAfter, this.#clock.now());
    } catch (error) {
      return resultOfError(error);
    }
  }

  apply(egress: Egress): void {
    if (isDeepStrictEqual(egress, this.#egress)) return;
    this.#egress = egress;
    this.#connections.replaceConnect(createConnect(egress, this.#names));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections.destroy();
  }
}

function createConnect({ proxy, ...rules }: Egress, names: Names): Connect {
  const isAllowed = createDestinationGuard(rules);
  if (proxy === undefined) return createDirectConnect(createDial(names, isAllowed));
  // The operator chose the proxy, so its address is not judged.
  const dialProxy = createDial(names, () => true);
  return createProxiedConnect(proxy, isAllowed, dialProxy);
}

/** Returns the parsed URL, or the reason why no request may be made to it. */
function acceptableUrl(text: string, { httpsOnly }: Egress): URL | string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'not an http or https URL';
  if (url.username !== '' || url.password !== '') return 'the URL holds a user name or password';
  if (httpsOnly && url.protocol !== 'https:') return 'egress.httpsOnly does not allow plain http';
  return url;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
