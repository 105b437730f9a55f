import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOKEN, startCommand } from '../support/daemon.ts';
import type { Ended } from '../support/daemon.ts';
import type { ShiftedClock } from './shifted-clock.ts';

const PRELOAD = new URL('./preload/shifted-clock.ts', import.meta.url).pathname;
const ANSWER_LIMIT_MS = 10_000;
const READY_LIMIT_MS = 30_000;
const READY_PAUSE_MS = 20;
/** The daemon promises 20 s, but this machine may be slow. */
const STOP_LIMIT_MS = 30_000;

/** How a life ended. `by itself` must not happen. `refused` is a refused start during a fault. */
export type End = 'killed' | 'stopped' | 'refused' | 'by itself';

/** One process of the daemon, from its start to its end. */
export interface Life {
  readonly number: number;
  /** Milliseconds from the start to the first 200 on /readyz. */
  readyMs?: number;
  end?: End;
  code?: number | null;
  /** The standard error, once the process has ended. */
  stderr?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface WatcherParts {
  readonly directory: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: ShiftedClock;
}

/** The daemon under test: one process after another with the same store. */
export class Watcher {
  readonly lives: Life[] = [];
  readonly #parts: WatcherParts;
  readonly #configFile: string;
  #command: ReturnType<typeof startCommand> | undefined;
  #expectedEnd: End | undefined;
  #url: string | undefined;

  constructor(parts: WatcherParts) {
    this.#parts = parts;
    this.#configFile = join(parts.directory, 'watcher.yaml');
    const server = { port: 0, tokens: [{ name: 'soak', scopes: ['admin'], value: { env: 'TEST_TOKEN' } }] };
    writeFileSync(this.#configFile, JSON.stringify({ server, ...parts.config }));
  }

  /** The number of the present life, or of the last one. */
  get life(): number {
    return this.lives.length;
  }

  isRunning(): boolean {
    return this.#command !== undefined;
  }

  /** Reports whether the daemon has logged the address it listens on. */
  isListening(): boolean {
    return this.#url !== undefined;
  }

  /** Starts a life. `ready` resolves with true once the daemon is ready, or false if it does not become so. */
  launch(mayRefuse = false): { readonly life: Life; readonly ready: Promise<boolean> } {
    if (this.#command !== undefined) throw new Error('the daemon is already running');
    const startedAt = performance.now();
    const life: Life = { number: this.lives.length + 1 };
    this.lives.push(life);
    this.#expectedEnd = mayRefuse ? 'refused' : undefined;
    const command = startCommand(['run', '--config', this.#configFile], {
      ...this.#parts.env,
      TEST_TOKEN: TOKEN,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      SHIFTED_CLOCK_FILE: this.#parts.clock.file,
    });
    this.#command = command;
    void command.ended.then((ended) => this.#ended(life, ended));
    const ready = this.#untilReady(command).then((isReady) => {
      if (isReady) {
        life.readyMs = performance.now() - startedAt;
        // It may have been stopped before it was ready.
        if (this.#expectedEnd === 'refused') this.#expectedEnd = undefined;
      }
      return isReady;
    });
    return { life, ready };
  }

  async #untilReady(command: ReturnType<typeof startCommand>): Promise<boolean> {
    const listening = await command
      .line((line) => line.includes('"listening"') && line.includes('"server"'))
      .catch(() => undefined);
    if (listening === undefined) return false;
    const { host, port } = JSON.parse(listening) as { host: string; port: number };
    this.#url = `http://${host}:${port}`;
    this.#signalClock();
    return this.untilReady();
  }

  /** Reports whether /readyz answers 200 within 30 s. */
  async untilReady(): Promise<boolean> {
    for (const endsAt = performance.now() + READY_LIMIT_MS; performance.now() < endsAt;) {
      if ((await this.request('GET', '/readyz'))?.status === 200) return true;
      if (!this.isRunning()) return false;
      await sleep(READY_PAUSE_MS);
    }
    return false;
  }

  /** Sends a request. Resolves with undefined if there is no answer because the daemon is down. */
  async request(method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    if (this.#url === undefined) return undefined;
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  /** Sends SIGKILL at once. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#expectedEnd = 'killed';
    await this.#command?.kill('SIGKILL');
  }

  /** Sends SIGTERM, and SIGKILL if the process does not end in time. Resolves when it is gone. */
  async stop(): Promise<void> {
    const command = this.#command;
    if (command === undefined) return;
    this.#expectedEnd = 'stopped';
    const limit = setTimeout(() => void command.kill('SIGKILL'), STOP_LIMIT_MS);
    await command.kill('SIGTERM');
    clearTimeout(limit);
  }

  /** Shifts the wall clock of the daemon. */
  setClock(offsetMs: number): void {
    this.#parts.clock.set(offsetMs);
    this.#signalClock();
  }

  /** Makes the daemon read its clock. Not before it listens, nor while it ends: without a handler SIGUSR2 would end it. */
  #signalClock(): void {
    const isEnding = this.#expectedEnd === 'killed' || this.#expectedEnd === 'stopped';
    if (this.#url !== undefined && !isEnding) void this.#command?.kill('SIGUSR2');
  }

  #ended(life: Life, { code, signal, stdout, stderr }: Ended): void {
    life.end = this.#expectedEnd ?? 'by itself';
    life.code = code;
    life.stderr = stderr;
    this.#command = undefined;
    this.#url = undefined;
    const ending = `--- life ${life.number}: ${life.end}, code ${String(code)}, signal ${String(signal)}`;
    appendFileSync(join(this.#parts.directory, 'daemon.log'), `${stdout}\n${stderr}\n${ending}\n`);
  }
}
