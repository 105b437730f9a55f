import { resolve } from 'node:path';
import type { Config } from './schema.ts';

/** What holds for as long as the process runs, by its path. */
const FIXED: readonly (readonly [path: string, valueOf: (config: Config) => unknown])[] = [
  ['server.host', ({ server }) => server.host],
  ['server.port', ({ server }) => server.port],
  // Where it is not given it is that of the server.
  ['metrics.host', ({ server, metrics }) => (metrics?.host === server.host ? undefined : metrics?.host)],
  ['metrics.port', ({ metrics }) => metrics?.port],
  ['store.sqlite.path', ({ store }) => resolve(store.sqlite.path)],
];

/** Paths of the keys that differ and cannot be changed but by a restart. */
export function changedFixedKeys(before: Config, next: Config): readonly string[] {
  return FIXED.filter(([, valueOf]) => valueOf(before) !== valueOf(next)).map(([path]) => path);
}
