import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../app/start.ts';
import { formatFaults, parseConfig } from '../../config/load.ts';
import { createLog } from '../../runtime/log.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { startReceiver } from '../../receiver/receiver.ts';
import type { ReceivedEvent } from '../../receiver/receiver.ts';

const ACCOUNT_ID = '123456789012';
const REGION = 'us-east-1';

export interface StageOptions {
  /** What the simulated AWS allows, which the watcher is not told. */
  readonly hiddenPerSecond: number;
  readonly onEvent: (event: ReceivedEvent, isRepeat: boolean) => void;
}

/** Simulator, receiver and the real daemon between them, all on loopback addresses of this process. */
export async function setStage({ hiddenPerSecond, onEvent }: StageOptions) {
  await using setting = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'lifecycle-watcher-demo-'));
  let isKept = false;
  // At the very end, however it comes.
  process.once('exit', () => {
    if (!isKept) rmSync(directory, { recursive: true, force: true });
  });
  const token = randomBytes(18).toString('base64url');
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const simulator = setting.use(
    await startSimulator({ ratePerSecond: hiddenPerSecond, burst: hiddenPerSecond }),
  );
  const receiver = setting.use(
    await startReceiver({ secret, onEvent: (event, { duplicate }) => onEvent(event, duplicate) }),
  );

  // Nothing of this machine's own AWS set-up may play a part.
  for (const name of Object.keys(process.env))
    if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIDEMO',
    AWS_SECRET_ACCESS_KEY: 'demo',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  });

  const config = {
    server: { port: 0, tokens: [{ name: 'demo', scopes: ['admin'], value: { env: 'DEMO_TOKEN' } }] },
    store: { sqlite: { path: join(directory, 'watcher.db') } },
    targets: [
      {
        name: 'demo',
        accountId: ACCOUNT_ID,
        region: REGION,
        endpoint: simulator.url,
        requestsPerSecond: hiddenPerSecond * 4,
        maxConcurrent: 8,
      },
    ],
    polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 5 },
    endpoints: [{ name: 'receiver', url: receiver.url, secrets: [{ env: 'DEMO_SECRET' }] }],
    egress: { allowPrivateNetworks: true },
  };
  const parsed = await parseConfig(JSON.stringify(config), {
    env: { DEMO_TOKEN: token, DEMO_SECRET: secret },
    file: 'demo',
  });
  if (!parsed.ok) throw new Error(formatFaults(parsed));
  const logFile = join(directory, 'watcher.log');
  const app = await startApp(parsed.config, createLog('info', logFile));
  setting.defer(() => app.stop());
  const server = app.addresses.find(({ part }) => part === 'server');
  if (server === undefined) throw new Error('the daemon has no address');
  const stage = setting.move();
  return {
    simulator,
    receiver,
    token,
    logFile,
    /** Leaves log and database where they are. */
    keep() {
      isKept = true;
    },
    url: `http://${server.host}:${server.port}`,
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

export type Stage = Awaited<ReturnType<typeof setStage>>;
