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

export interface StageOptions {
  /** The limit of the simulated AWS, which the watcher does not know. */
  readonly hiddenPerSecond: number;
  readonly onEvent: (event: ReceivedEvent, isRepeat: boolean) => void;
}

/** Starts a simulator, a receiver and the real daemon between them, all on loopback addresses in this process. */
export async function startStage({ hiddenPerSecond, onEvent }: StageOptions) {
  await using stack = new AsyncDisposableStack();
  const directory = await createDirectory();
  const token = randomBytes(18).toString('base64url');
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const simulator = stack.use(
    await startSimulator({ ratePerSecond: hiddenPerSecond, burst: hiddenPerSecond }),
  );
  const receiver = stack.use(
    await startReceiver({ secret, onEvent: (event, { duplicate }) => onEvent(event, duplicate) }),
  );
  hideAwsSettings();
  const settings = {
    databasePath: join(directory.path, 'watcher.db'),
    simulatorUrl: simulator.url,
    receiverUrl: receiver.url,
    requestsPerSecond: hiddenPerSecond * 4,
  };
  const parsed = await parseConfig(JSON.stringify(configOf(settings)), {
    env: { DEMO_TOKEN: token, DEMO_SECRET: secret },
    file: 'demo',
  });
  if (!parsed.ok) throw new Error(formatFaults(parsed));
  const logFile = join(directory.path, 'watcher.log');
  const app = await startApp(parsed.config, createLog('info', logFile));
  stack.defer(() => app.stop());
  const server = app.addresses.find(({ part }) => part === 'server');
  if (server === undefined) throw new Error('the daemon has no address');
  const running = stack.move();
  return {
    simulator,
    receiver,
    token,
    logFile,
    /** Keeps the log and the database after the end. */
    keep: () => directory.keep(),
    url: `http://${server.host}:${server.port}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** Creates a temporary directory that is removed when the process exits, for whatever reason, unless `keep` was called. */
async function createDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'lifecycle-watcher-demo-'));
  let isKept = false;
  process.once('exit', () => {
    if (!isKept) rmSync(path, { recursive: true, force: true });
  });
  return {
    path,
    keep() {
      isKept = true;
    },
  };
}

/** Replaces the AWS settings of this machine by dummies, so that the demo cannot use them. */
function hideAwsSettings(): void {
  for (const name of Object.keys(process.env))
    if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIDEMO',
    AWS_SECRET_ACCESS_KEY: 'demo',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  });
}

interface DemoSettings {
  readonly databasePath: string;
  readonly simulatorUrl: string;
  readonly receiverUrl: string;
  readonly requestsPerSecond: number;
}

function configOf({ databasePath, simulatorUrl, receiverUrl, requestsPerSecond }: DemoSettings) {
  return {
    server: { port: 0, tokens: [{ name: 'demo', scopes: ['admin'], value: { env: 'DEMO_TOKEN' } }] },
    store: { sqlite: { path: databasePath } },
    targets: [
      {
        name: 'demo',
        accountId: '123456789012',
        region: 'us-east-1',
        endpoint: simulatorUrl,
        requestsPerSecond,
        maxConcurrent: 8,
      },
    ],
    polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 5 },
    endpoints: [{ name: 'receiver', url: receiverUrl, secrets: [{ env: 'DEMO_SECRET' }] }],
    egress: { allowPrivateNetworks: true },
  };
}
