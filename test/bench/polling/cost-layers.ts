import { countNotices } from '../../../src/metrics/count-notices.ts';
import { createNotices } from '../../../src/notices/notices.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetLifecycleExecutionCommand, ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { createPollerMaker } from '../../../src/app/make-poller.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { createAws } from '../../../src/imagebuilder/aws.ts';
import type { Gateway } from '../../../src/imagebuilder/gateway.ts';
import { createBottleneckLimiter } from '../../../src/limiter/bottleneck-limiter.ts';
import { createBudget } from '../../../src/polling/budget.ts';
import { createInstruments } from '../../../src/metrics/instruments.ts';
import { Calls } from '../../../src/polling/calls.ts';
import { createRegistrar } from '../../../src/registration/registrar.ts';
import { Tracking } from '../../../src/registration/tracking.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createLog } from '../../../src/runtime/log.ts';
import { SOLE_TERM } from '../../../src/store/store.ts';
import { DEFAULT_ACCOUNT_ID, DEFAULT_REGION } from '../../../src/simulator/simulator.ts';
import { openTemporaryStore } from '../../support/store.ts';
import type { Aws } from './cost-aws.ts';

/** Makes calls at the rate of the benchmark until `signal` aborts, and resolves once all of them have ended. */
export type Layer = (signal: AbortSignal) => Promise<void>;

export const CALLS_PER_SECOND = 50;
const MAX_CONCURRENT = 8;
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' };

/**
 * The layers of one poll, starting with the SDK alone. Each layer adds something around the one before. `calls` counts the
 * requests of all layers.
 */
export async function createLayers({ url, executionIds }: Aws) {
  await using opening = new AsyncDisposableStack();
  let calls = 0;
  let next = 0;
  const nextId = () => executionIds[(next += 1) % executionIds.length] ?? '';
  const instruments = createInstruments('bench');
  const log = createLog('error');
  const notices = createNotices([countNotices(instruments)], log);
  const target = { accountId: DEFAULT_ACCOUNT_ID, region: DEFAULT_REGION };
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  });

  const client = new ImagebuilderClient({
    region: target.region,
    endpoint: url,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
  opening.defer(() => client.destroy());
  const callSdk = async () => {
    calls += 1;
    await client.send(new GetLifecycleExecutionCommand({ lifecycleExecutionId: nextId() }));
  };

  const aws = createAws({ clock: systemClock, random: Math.random });
  const gateway: Gateway = aws.gatewayTo({ region: target.region, endpoint: url });
  opening.defer(() => gateway.close());
  const poll = async () => {
    calls += 1;
    return await gateway.getExecution(nextId());
  };

  const makeLimiter = (perSecond: number) =>
    createBottleneckLimiter({ perSecond, maxConcurrent: MAX_CONCURRENT });
  const makeBudget = () =>
    createBudget({
      target: 'bench',
      notices,
      makeLimiter,
      clock: systemClock,
      random: Math.random,
      ceiling: CALLS_PER_SECOND,
      learnt: { perSecond: CALLS_PER_SECOND },
    });

  const store = opening.use(await openTemporaryStore());
  const config = await configFor(url, target);
  await store.ledgerOf(target, SOLE_TERM).saveRate({ perSecond: CALLS_PER_SECOND });
  await store.intake.register(
    executionIds.map((lifecycleExecutionId) => ({
      ...target,
      lifecycleExecutionId,
      labels: {},
      source: 'api',
    })),
    systemClock.now(),
  );

  const dispatcher = { wake: () => undefined };
  const surroundings = { notices, clock: systemClock, random: Math.random, log };
  const registrar = createRegistrar({
    ...surroundings,
    intake: store.intake,
    tracking: new Tracking(),
    deliveries: dispatcher,
  });
  const make = createPollerMaker({ ...surroundings, live: { config }, store, aws, dispatcher, registrar });

  const layers = {
    sdk: async (signal) => {
      await callPaced(callSdk, signal);
    },
    gateway: async (signal) => {
      await callPaced(poll, signal);
    },
    bottleneck: async (signal) => {
      const limiter = makeLimiter(CALLS_PER_SECOND);
      await callLimited((onStarted) => {
        return limiter.schedule(() => {
          onStarted();
          return poll();
        });
      }, signal);
      await limiter.close();
    },
    budget: async (signal) => {
      const budget = makeBudget();
      budget.setWanted(true);
      await callLimited((onStarted) => {
        const choose = () => {
          onStarted();
          return poll;
        };
        return budget.run(choose, signal);
      }, signal);
      await budget.close();
    },
    calls: async (signal) => {
      const budget = makeBudget();
      budget.setWanted(true);
      const made = new Calls({
        target: 'bench',
        budget,
        gate: { allows: () => true, unconfirm: () => undefined },
        witness: { hear: () => undefined },
        reports: { report: () => Promise.resolve(), fail: () => Promise.resolve() },
        listProblems: { take: () => false },
        notices,
        clock: systemClock,
        random: Math.random,
        log,
      });
      await callLimited((onStarted) => {
        const choose = () => {
          onStarted();
          return poll;
        };
        return made.make('GetLifecycleExecution', choose, { needs: 'open', signal });
      }, signal);
      await budget.close();
    },
    poller: async (signal) => {
      const [spec] = config.targets;
      if (spec === undefined) throw new Error('no target');
      const before = await requestsOf(instruments);
      const poller = await make({ target: spec, polling: config.polling });
      await poller.start();
      await aborted(signal);
      await poller.stop(AbortSignal.timeout(10_000));
      calls += (await requestsOf(instruments)) - before;
    },
  } as const satisfies Record<string, Layer>;
  const opened = opening.move();
  return { layers, calls: () => calls, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Makes calls at a fixed rate, as a script would. */
async function callPaced(call: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const callsInFlight = new Set<Promise<unknown>>();
  for (let dueAt = performance.now(); !signal.aborted; dueAt += 1000 / CALLS_PER_SECOND) {
    await sleep(Math.max(0, dueAt - performance.now()));
    const called = call().finally(() => callsInFlight.delete(called));
    callsInFlight.add(called);
  }
  await Promise.all(callsInFlight);
}

/** Requests the next call once the previous one has started, as the poller does. */
async function callLimited(
  call: (onStarted: () => void) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const callsInFlight = new Set<Promise<unknown>>();
  while (!signal.aborted) {
    await new Promise<void>((onStarted, onFailed) => {
      const called = call(onStarted)
        .catch((error: unknown) => {
          if (signal.aborted) onStarted();
          else onFailed(error instanceof Error ? error : new Error('a call failed', { cause: error }));
        })
        .finally(() => callsInFlight.delete(called));
      callsInFlight.add(called);
    });
  }
  await Promise.all(callsInFlight);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function requestsOf({ apiRequests }: ReturnType<typeof createInstruments>): Promise<number> {
  return (await apiRequests.get()).values.reduce((sum, { value }) => sum + value, 0);
}

/** A configuration that wants more calls than the rate allows, so that the poller is as busy as the other layers. */
async function configFor(endpoint: string, { accountId, region }: { accountId: string; region: string }) {
  const targets = [
    {
      name: 'bench',
      accountId,
      region,
      endpoint,
      requestsPerSecond: CALLS_PER_SECOND,
      maxConcurrent: MAX_CONCURRENT,
    },
  ];
  const polling = { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 5 };
  const server = { insecure: true };
  const result = await parseConfig(JSON.stringify({ server, targets, polling }), { env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.config;
}
