import { StoreError } from '../../src/store/store-error.ts';
import type { Store } from '../../src/store/store.ts';

/** What requests ask of a store. */
type Asked = Pick<Store, 'reading' | 'operating' | 'intake' | 'countActive'>;

/** Has `before` run before each call that a request makes of the store, until what is returned is disposed of. */
function interpose(store: Asked, before: () => Promise<unknown>): Disposable {
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

/** The store fails, as it does if its disk is full, until this is disposed of. */
export function breakStore(store: Asked, error: Error = new StoreError('disk is full')): Disposable {
  return interpose(store, () => Promise.reject(error));
}

/** The store answers nothing before `released` resolves. */
export function holdStore(store: Asked, released: Promise<unknown>): Disposable {
  return interpose(store, () => released);
}
