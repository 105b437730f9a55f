import { setTimeout as sleep } from 'node:timers/promises';
import { GetLifecycleExecutionCommand, ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { createAwsGateway } from '../../../src/imagebuilder/aws-gateway.ts';
import { createAwsSockets } from '../../../src/imagebuilder/aws-sockets.ts';
import { createBottleneckLimiter } from '../../../src/limiter/bottleneck-limiter.ts';
import { NO_NOTICES } from '../../../src/notices/notices.ts';
import { createBudget } from '../../../src/polling/budget.ts';
import { systemClock } from '../../../src/runtime/clock.ts';

export interface Place {
  readonly endpoint: string;
  readonly executionId: string;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Calls as often as it considers allowed until `signal` aborts. It always wants more calls. */
export type Client = (place: Place, signal: AbortSignal) => Promise<void>;

export const REGION = 'us-east-1';
export const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' };
/** Well above the limit, like the setting of a user who does not know it. */
const CEILING = 50;
const MAX_CONCURRENT = 4;
/** Concurrent callers, enough that one always waits for its turn. */
const PENDING = MAX_CONCURRENT + 2;

/** Calls through our budget and limiter, with the daemon's gateway. */
export const ourClient: Client = async ({ endpoint, executionId, random }, signal) => {
  const noop = () => undefined;
  const fixed = { get: () => Promise.resolve(CREDENTIALS), refuse: noop, reread: noop };
  const gateway = createAwsGateway(
    { region: REGION, endpoint },
    { clock: systemClock, credentials: { of: () => fixed, reread: noop }, sockets: createAwsSockets() },
  );
  const budget = createBudget({
    target: 'bench',
    notices: NO_NOTICES,
    makeLimiter: (perSecond) => createBottleneckLimiter({ perSecond, maxConcurrent: MAX_CONCURRENT }),
    clock: systemClock,
    random,
    ceiling: CEILING,
  });
  budget.setWanted(true);
  const call = (callSignal: AbortSignal) => gateway.getExecution(executionId, callSignal);
  const repeat = async () => {
    while (!signal.aborted) await budget.run(() => call, signal).catch(rethrowUnless(signal));
  };
  await Promise.all(Array.from({ length: PENDING }, repeat));
  await budget.close();
  gateway.close();
};

/** Makes as many concurrent calls as our client may, limited only by a retry mode of the SDK. */
export const sdkClient =
  (retryMode: 'standard' | 'adaptive'): Client =>
  async ({ endpoint, executionId }, signal) => {
    const client = new ImagebuilderClient({ region: REGION, endpoint, credentials: CREDENTIALS, retryMode });
    const repeat = async () => {
      while (!signal.aborted) await send(client, executionId);
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, repeat));
    client.destroy();
  };

/** Calls at a fixed rate, whatever the answers are. Intervals vary by the share `jitter` in both directions. */
export const fixedClient =
  (perSecond: number, jitter = 0): Client =>
  async ({ endpoint, executionId, random }, signal) => {
    const client = new ImagebuilderClient({
      region: REGION,
      endpoint,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    const callsInFlight = new Set<Promise<void>>();
    for (let dueAt = performance.now(); !signal.aborted;) {
      const sent = send(client, executionId).finally(() => callsInFlight.delete(sent));
      callsInFlight.add(sent);
      dueAt += (1000 / perSecond) * (1 + jitter * (2 * random() - 1));
      await sleep(Math.max(0, dueAt - performance.now()), undefined, { signal }).catch(rethrowUnless(signal));
    }
    await Promise.all(callsInFlight);
    client.destroy();
  };

/** Makes one call. Throttling is ignored, because the simulator counts it. */
async function send(client: ImagebuilderClient, lifecycleExecutionId: string): Promise<void> {
  try {
    await client.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'CallRateLimitExceededException') throw error;
  }
}

function rethrowUnless(signal: AbortSignal) {
  return (error: unknown) => {
    if (!signal.aborted) throw error;
  };
}
