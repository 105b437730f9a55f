import { StoreError } from '../../src/store/store-error.ts';
import type { Store } from '../../src/store/store.ts';

/** The part of a store that HTTP requests use. */
type RequestedStore = Pick<Store, 'reading' | 'operating' | 'intake' | 'countActive'>;

/** Runs `before` ahead of each call that a request makes to the store, until the result is disposed of. */
function interpose(store: RequestedStore, before: () => Promise<unknown>): Disposable {
  const undo: (() => void)[] = [];
  const { countActive } = store;
  store.countActive = async (key) => {
    await before();
    return countActive(key);
  };
  undo.push(() => (store.countActive = countActive));
  for (const contract of [store.reading, store.operating, store.intake]) {
    const original = { ...contract };
    undo.push(() => Object.assign(contract, original));
    const methods: readonly [string, unknown][] = Object.entries(original);
    for (const [name, method] of methods) {
      if (typeof method !== 'function') continue;
      const call = async (...args: readonly unknown[]): Promise<unknown> => {
        await before();
        return Reflect.apply(method, contract, args);
      };
      Object.assign(contract, { [name]: call });
    }
  }
  return { [Symbol.dispose]: () => undo.forEach((restore) => restore()) };
}

/** Makes every call fail, by default as if the disk were full, until the result is disposed of. */
export function breakStore(store: RequestedStore, error: Error = new StoreError('disk is full')): Disposable {
  return interpose(store, () => Promise.reject(error));
}

/** Delays every call until `released` resolves, until the result is disposed of. */
export function holdStore(store: RequestedStore, released: Promise<unknown>): Disposable {
  return interpose(store, () => released);
}
