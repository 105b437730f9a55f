import type { LookupAddress } from 'node:dns';
import { onAbort } from '../../runtime/abort.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Resolves with the addresses of a host name. Rejects if it has none. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The latest experience with a name. */
type Standing = 'good' | 'new' | 'suspect';

/**
 * The number of lookups that may be under way at once. A lookup occupies a thread until the system gives up, which takes 10 s or
 * more for a name whose name server does not answer, and nothing can end it sooner. Names with different standing share no
 * threads, so that dead names delay neither good ones nor, unless many appear at once, new ones. The sum leaves a quarter of
 * `CONCURRENT_LOOKUPS` in `runtime/thread-pool` to the calls to AWS.
 */
const SHARES: Readonly<Record<Standing, number>> = { good: 4, new: 16, suspect: 4 };

/** An answer is used for this long, as by Java. The system does not say how long it is valid. */
const FRESH_MS = 30_000;
/** An older answer is still used while it is looked up anew, so that nobody waits for a name server that is slow or down. */
const USABLE_MS = 300_000;
/** Shorter than the first wait of the retry ladder, which is at least 4 s: the second attempt must look up the name again. */
const FAILURE_MS = 3000;
/** A lookup that took longer makes the name suspect, whether it found anything or not. */
const SLOW_MS = 1000;
const MOST_NAMES = 4096;

type Waiter = PromiseWithResolvers<readonly LookupAddress[]>;

interface Name {
  readonly hostname: string;
  standing: Standing;
  progress: 'idle' | 'queued' | 'under way';
  readonly waiters: Set<Waiter>;
  found?: { readonly addresses: readonly LookupAddress[]; readonly tick: number };
  failed?: { readonly error: Error; readonly tick: number };
}

/** Looks up names for deliveries: each only once at a time, and few at once. Remembers answers and failures for a short while. */
export class Names {
  readonly #lookup: Lookup;
  readonly #clock: Pick<Clock, 'monotonicNow'>;
  /** In least-recently-used order. */
  readonly #names = new Map<string, Name>();
  readonly #queues: Readonly<Record<Standing, Set<Name>>> = {
    good: new Set(),
    new: new Set(),
    suspect: new Set(),
  };
  readonly #underWay: Record<Standing, number> = { good: 0, new: 0, suspect: 0 };

  constructor(lookup: Lookup, clock: Pick<Clock, 'monotonicNow'>) {
    this.#lookup = lookup;
    this.#clock = clock;
  }

  /**
   * Resolves with the addresses of a name, at least one. Rejects if there are none, or once `signal` aborts. An answer that is not
   * fresh is used only if `mayBeOld` accepts it.
   */
  async find(
    hostname: string,
    signal: AbortSignal,
    mayBeOld: (addresses: readonly LookupAddress[]) => boolean = () => true,
  ): Promise<readonly LookupAddress[]> {
    const name = this.#nameOf(hostname);
    const { found, failed } = name;
    const now = this.#clock.monotonicNow();
    const ageMs = found === undefined ? Infinity : now - found.tick;
    if (found !== undefined && ageMs < FRESH_MS) return found.addresses;
    const hasJustFailed = failed !== undefined && now - failed.tick < FAILURE_MS;
    if (!hasJustFailed) this.#begin(name);
    if (found !== undefined && ageMs < USABLE_MS && mayBeOld(found.addresses)) return found.addresses;
    if (hasJustFailed) throw failed.error;
    return await this.#wait(name, signal);
  }

  #nameOf(hostname: string): Name {
    const known = this.#names.get(hostname);
    const name = known ?? { hostname, standing: 'new', progress: 'idle', waiters: new Set() };
    this.#names.delete(hostname);
    this.#names.set(hostname, name);
    if (known === undefined && this.#names.size > MOST_NAMES) this.#forgetOldest();
    return name;
  }

  #forgetOldest(): void {
    const oldest = this.#names.values().find(({ progress }) => progress === 'idle');
    if (oldest !== undefined) this.#names.delete(oldest.hostname);
  }

  #wait(name: Name, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const waiter = Promise.withResolvers<readonly LookupAddress[]>();
    name.waiters.add(waiter);
    const unlink = onAbort(signal, () => {
      name.waiters.delete(waiter);
      waiter.reject(new Error('given up'));
      if (name.waiters.size === 0) this.#dropQueued(name);
    });
    return waiter.promise.finally(unlink);
  }

  /** Nobody waits for the name any more. */
  #dropQueued(name: Name): void {
    if (this.#queues[name.standing].delete(name)) name.progress = 'idle';
  }

  #begin(name: Name): void {
    if (name.progress !== 'idle') return;
    name.progress = 'queued';
    this.#queues[name.standing].add(name);
    this.#startQueued(name.standing);
  }

  #startQueued(standing: Standing): void {
    const queue = this.#queues[standing];
    for (const name of queue) {
      if (this.#underWay[standing] >= SHARES[standing]) return;
      queue.delete(name);
      void this.#run(name, standing);
    }
  }

  /** Never rejects. */
  async #run(name: Name, standing: Standing): Promise<void> {
    this.#underWay[standing] += 1;
    name.progress = 'under way';
    const startTick = this.#clock.monotonicNow();
    const result = await lookUp(this.#lookup, name.hostname);
    const tick = this.#clock.monotonicNow();
    name.progress = 'idle';
    this.#underWay[standing] -= 1;
    if ('addresses' in result) {
      name.found = { ...result, tick };
      delete name.failed;
    } else {
      name.failed = { ...result, tick };
      if (hasNoAddress(result.error)) delete name.found;
    }
    const isSlow = tick - startTick > SLOW_MS;
    name.standing = isSlow ? 'suspect' : 'addresses' in result ? 'good' : 'new';
    const waiters = [...name.waiters];
    name.waiters.clear();
    for (const waiter of waiters) {
      if ('addresses' in result) waiter.resolve(result.addresses);
      else waiter.reject(result.error);
    }
    this.#startQueued(standing);
  }
}

type Result = { readonly addresses: readonly LookupAddress[] } | { readonly error: Error };

/** Never rejects. */
async function lookUp(lookup: Lookup, hostname: string): Promise<Result> {
  try {
    const addresses = await lookup(hostname);
    if (addresses.length > 0) return { addresses };
    return { error: Object.assign(new Error('the name has no address'), { code: 'ENODATA' }) };
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown : new Error('lookup failed', { cause: thrown }) };
  }
}

/** Reports whether a failure says that the name has no address, and not just that the name server could not be asked. */
function hasNoAddress(error: Error): boolean {
  return 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA');
}
