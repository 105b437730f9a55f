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
/** It promises 20 s; this machine may be slow. */
const STOP_LIMIT_MS = 30_000;

/** How a life came to its end; `by itself` is what must not happen. `refused`: it would not start, where it may. */
export type End = 'killed' | 'stopped' | 'refused' | 'by itself';

/** One process of the daemon, from its start to its end. */
export interface Life {
  readonly number: number;
  /** From the start to its first 200 on /readyz. */
  readyMs?: number;
  end?: End;
  code?: number | null;
  /** Its standard error, where it ended without being killed. */
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

/** The daemon under torture: one process after the other over the same store. */
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

  /** Whether it has said where it listens. */
  isListening(): boolean {
    return this.#url !== undefined;
  }

  /** Begins a life; `ready` says whether the process takes requests now, or ended instead. */
  launch(mayRefuse = false): { readonly life: Life; readonly ready: Promise<boolean> } {
    if (this.#command !== undefined) throw new Error('it runs already');
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
        // A stop may have been asked for while it was not ready yet.
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
    this.#tellTime();
    return this.untilReady();
  }

  /** Whether /readyz answers 200 within half a minute. */
  async untilReady(): Promise<boolean> {
    for (const endsAt = performance.now() + READY_LIMIT_MS; performance.now() < endsAt;) {
      if ((await this.request('GET', '/readyz'))?.status === 200) return true;
      if (!this.isRunning()) return false;
      await sleep(READY_PAUSE_MS);
    }
    return false;
  }

  /** Undefined where no answer came: it is down, or went down meanwhile. */
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

  /** SIGKILL, at this very moment. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#expectedEnd = 'killed';
    await this.#command?.kill('SIGKILL');
  }

  /** SIGTERM. Resolves when the process is gone; one that does not go in time is killed, and has not ended well then. */
  async stop(): Promise<void> {
    const command = this.#command;
    if (command === undefined) return;
    this.#expectedEnd = 'stopped';
    const limit = setTimeout(() => void command.kill('SIGKILL'), STOP_LIMIT_MS);
    await command.kill('SIGTERM');
    clearTimeout(limit);
  }

  /** Moves its wall clock. */
  setClock(offsetMs: number): void {
    this.#parts.clock.set(offsetMs);
    this.#tellTime();
  }

  /** Before it listens, and while it ends, it may not know the signal, which would end it; once it listens it is told. */
  #tellTime(): void {
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
