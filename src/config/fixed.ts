import { resolve } from 'node:path';
import type { Config } from './schema.ts';

/** Values that cannot change while the process runs, by path. */
const FIXED: readonly (readonly [path: string, valueOf: (config: Config) => unknown])[] = [
  ['server.host', ({ server }) => server.host],
  ['server.port', ({ server }) => server.port],
  // If it is left out, it follows that of the server.
  ['metrics.host', ({ server, metrics }) => (metrics?.host === server.host ? undefined : metrics?.host)],
  ['metrics.port', ({ metrics }) => metrics?.port],
  ['store.sqlite.path', ({ store }) => resolve(store.sqlite.path)],
];

/** Returns the paths of the keys that differ and need a restart to change. */
export function changedFixedKeys(before: Config, next: Config): readonly string[] {
  return FIXED.filter(([, valueOf]) => valueOf(before) !== valueOf(next)).map(([path]) => path);
}
