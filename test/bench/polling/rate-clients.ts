import { setTimeout as sleep } from 'node:timers/promises';
import { GetLifecycleExecutionCommand, ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { createAwsGateway } from '../../../src/imagebuilder/aws-gateway.ts';
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

/** Calls as often as it thinks it may until `signal` aborts; it always wants more. */
export type Client = (place: Place, signal: AbortSignal) => Promise<void>;

export const REGION = 'us-east-1';
export const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' };
/** As a user sets it who does not know the limit: well above. */
const CEILING = 50;
const MAX_CONCURRENT = 4;
/** Calls that wait for their turn, so that one always does. */
const PENDING = MAX_CONCURRENT + 2;

/** Our limiter, with a gateway as the daemon has it. */
export const ourClient: Client = async ({ endpoint, executionId, random }, signal) => {
  const credentialsOf = () => ({ get: () => Promise.resolve(CREDENTIALS), refuse: () => undefined });
  const gateway = createAwsGateway({ region: REGION, endpoint }, { clock: systemClock, credentialsOf });
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

/** As many calls at once as ours may have, in a retry mode of the SDK, which is all that holds them back. */
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

/** A call every so often whatever the answers are. `jitter`: the share by which distances differ, up and down. */
export const fixedClient =
  (perSecond: number, jitter = 0): Client =>
  async ({ endpoint, executionId, random }, signal) => {
    const client = new ImagebuilderClient({
      region: REGION,
      endpoint,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    const underWay = new Set<Promise<void>>();
    for (let dueAt = performance.now(); !signal.aborted;) {
      const sent = send(client, executionId).finally(() => underWay.delete(sent));
      underWay.add(sent);
      dueAt += (1000 / perSecond) * (1 + jitter * (2 * random() - 1));
      await sleep(Math.max(0, dueAt - performance.now()), undefined, { signal }).catch(rethrowUnless(signal));
    }
    await Promise.all(underWay);
    client.destroy();
  };

/** One call; that it was throttled is counted where it arrives. */
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
