import { get } from 'node:http';

const EVERY_MS = 50;

/**
 * Requests `/livez` from the daemon at `url` every 50 ms, each time over a new connection and even if the previous one is not
 * answered yet, like an orchestrator that restarts a daemon which answers too late.
 */
export function startProbe(url: string) {
  let probes = 0;
  let failed = 0;
  let longestMs = 0;
  const probe = async () => {
    const startedTick = performance.now();
    const status = await statusOf(`${url}/livez`);
    probes += 1;
    if (status !== 200) failed += 1;
    longestMs = Math.max(longestMs, performance.now() - startedTick);
  };
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const probing = probe().finally(() => open.delete(probing));
    open.add(probing);
  }, EVERY_MS);
  return {
    /** Resolves once all probes are answered, because the last ones may be the longest. */
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return { probes, failed, longestMs };
    },
  };
}

/** Returns the status of the answer, or undefined if there is none. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume().once('close', () => resolve(response.statusCode));
    }).once('error', () => resolve(undefined));
  });
}
