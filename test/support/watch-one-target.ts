import type { Daemon } from './daemon.ts';
import type { Received } from './fake-receiver.ts';
import { WEBHOOK_SECRET } from './secrets.ts';

/** Options of `vi.waitFor` for conditions that depend on processes and polls. */
export const PATIENCE = { timeout: 30_000, interval: 50 };
/** The environment that a configuration of `configOf` needs. */
export const ENV = { RECEIVER_SECRET: WEBHOOK_SECRET };

export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly executionsequence: number;
}

export const eventOf = ({ body }: Received) => JSON.parse(body) as CloudEvent;
/** The subjects of the events, in the order of their arrival. */
export const subjectsOf = (received: readonly Received[]) => received.map((got) => eventOf(got).subject);

/** A configuration with one target, polled as often as possible, and one endpoint that gets every event. */
export function configOf(simulatorUrl: string, receiverUrl: string) {
  return {
    targets: [
      {
        name: 'prod',
        accountId: '123456789012',
        region: 'us-east-1',
        endpoint: simulatorUrl,
        requestsPerSecond: 50,
      },
    ],
    polling: { targetLagSeconds: 1, minIntervalSeconds: 1, maxIntervalSeconds: 2 },
    endpoints: [{ name: 'ops', url: receiverUrl, secrets: [{ env: 'RECEIVER_SECRET' }] }],
    egress: { allowPrivateNetworks: true },
  };
}

export const register = (daemon: Daemon, ids: readonly string[]) =>
  daemon.api('POST', '/v1/executions/batch', {
    executions: ids.map((lifecycleExecutionId) => ({ lifecycleExecutionId })),
  });

export async function feedOf(daemon: Daemon): Promise<readonly CloudEvent[]> {
  const { events } = await daemon.api<{ events: readonly CloudEvent[] }>('GET', '/v1/events?limit=1000');
  return events;
}
