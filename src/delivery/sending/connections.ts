import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { Dispatcher as HttpClient } from 'undici';
import { LARGEST_HEAD_BYTES } from './connect.ts';
import type { Connect } from './connect.ts';

export type ConnectionRequest = HttpClient.DispatchOptions & { readonly origin: string };

/** A receiver may ask for a longer time in its `keep-alive` header, up to the limit. */
const IDLE_MS = 4000;
const LONGEST_IDLE_MS = 30_000;
/** Without a reason, each abort would create an error with a stack. */
const GIVEN_UP = 'given up';

/** A connection to an origin, which is opened for its first request. It serves one request at a time. */
export class Connection {
  readonly origin: string;
  readonly connect: Connect;
  readonly #client: Client;
  readonly #givenUp = new AbortController();
  #socket: Socket | undefined;
  /** True if the socket was open before the latest request. */
  #isReused = false;
  #bytesReadBefore = 0;

  constructor(origin: string, connect: Connect, onDisconnect: (connection: Connection) => void) {
    this.origin = origin;
    this.connect = connect;
    this.#client = new Client(origin, {
      connect: (destination, callback) => {
        this.#isReused = false;
        connect(destination, this.#givenUp.signal).then(
          (socket) => {
            this.#socket = socket;
            callback(null, socket);
          },
          (error: unknown) => callback(error instanceof Error ? error : new Error('no connection'), null),
        );
      },
      allowH2: false,
      maxHeaderSize: LARGEST_HEAD_BYTES,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: LONGEST_IDLE_MS,
      // `exchange` limits the time of each request.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.on('disconnect', () => onDisconnect(this));
  }

  /** Makes one request. */
  dispatch(request: ConnectionRequest, handler: HttpClient.DispatchHandler): void {
    this.#isReused = this.#socket !== undefined;
    this.#bytesReadBefore = this.#socket?.bytesRead ?? 0;
    this.#client.dispatch(request, handler);
  }

  /** Reports whether the latest request uses a socket that was open before, and nothing has arrived over it since. */
  get isReusedAndSilent(): boolean {
    return this.#isReused && this.#socket?.bytesRead === this.#bytesReadBefore;
  }

  /** Cuts off the request under way, if there is one, even while it connects. */
  async destroy(): Promise<void> {
    this.#givenUp.abort(GIVEN_UP);
    await this.#client.destroy();
  }
}

/** The connections of a sender. Those that are idle are used again. */
export class Connections {
  #connect: Connect;
  readonly #all = new Set<Connection>();
  /** By origin. The last one became idle last. */
  readonly #idle = new Map<string, Connection[]>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** Returns an idle connection, or a new one. It must be given back by `release` or `discard`. */
  take(origin: string): Connection {
    const idle = this.#idle.get(origin);
    const connection = idle?.pop();
    if (idle?.length === 0) this.#idle.delete(origin);
    return connection ?? this.open(origin);
  }

  /** Returns a new connection, even if others are idle. */
  open(origin: string): Connection {
    const connection = new Connection(origin, this.#connect, (closed) => this.#forgetIdle(closed));
    this.#all.add(connection);
    return connection;
  }

  /** Keeps a connection, whose request has ended, for another. */
  release(connection: Connection): void {
    if (connection.connect !== this.#connect) {
      this.discard(connection);
      return;
    }
    const idle = this.#idle.get(connection.origin);
    if (idle === undefined) this.#idle.set(connection.origin, [connection]);
    else idle.push(connection);
  }

  /** Closes a connection. Cuts off its request. */
  discard(connection: Connection): void {
    this.#all.delete(connection);
    void connection.destroy();
  }

  /** Opens connections in another way from now on. Closes those that are idle at once, and each other when its request has ended. */
  replaceConnect(connect: Connect): void {
    this.#connect = connect;
    for (const connection of [...this.#idle.values()].flat()) this.discard(connection);
    this.#idle.clear();
  }

  /** Cuts off all requests, and opens no more connections. */
  async destroy(): Promise<void> {
    this.replaceConnect(() => Promise.reject(new Error('closed')));
    await Promise.all([...this.#all].map((connection) => connection.destroy()));
  }

  #forgetIdle(connection: Connection): void {
    const idle = this.#idle.get(connection.origin) ?? [];
    const at = idle.indexOf(connection);
    if (at === -1) return;
    idle.splice(at, 1);
    if (idle.length === 0) this.#idle.delete(connection.origin);
    this.discard(connection);
  }
}
