/**
 * libuv lets lookups of names use half of its threads, so this many can be under way at once; of Node's four threads it would be
 * two. Threads that wait cost next to nothing: 128 of them use less than 1 MB.
 */
export const CONCURRENT_LOOKUPS = 32;

/** Makes the pool of threads large enough for that many lookups. Must be called before anything uses it, such as `fs/promises`. */
export function enlargeThreadPool(env: NodeJS.ProcessEnv): void {
  const given = Number(env['UV_THREADPOOL_SIZE']) || 0;
  env['UV_THREADPOOL_SIZE'] = String(Math.max(given, 2 * CONCURRENT_LOOKUPS));
}
