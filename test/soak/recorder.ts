import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Random } from '../../src/simulator/random.ts';
import { startFakeReceiver } from '../support/fake-receiver.ts';
import type { Received } from '../support/fake-receiver.ts';
import { WEBHOOK_SECRET } from '../support/secrets.ts';
import type { Moments } from './moments.ts';

/** The ways in which a receiver can answer for a while. */
export const MOODS = ['well', 'slow', 'failing', 'throttling', 'hanging', 'resetting', 'gone'] as const;
export type Mood = (typeof MOODS)[number];

/** A request that a receiver got. */
export interface Request {
  readonly id: string;
  readonly body: string;
  /** The life of the daemon in which it arrived. */
  readonly life: number;
  readonly isSigned: boolean;
  /** Set once a 2xx has been sent. */
  isAccepted: boolean;
}

/** The limit on refusals of one event. After eight the delivery would be dead, which is not tested here. */
const MOST_REFUSALS = 3;
const SLOW_MS = 400;
const webhook = new Webhook(WEBHOOK_SECRET);

/** Verifies against the timestamp of the request, because the daemon's clock is shifted and the receiver's is not. */
function isSigned({ id, headers, body }: Received): boolean {
  const timestamp = new Date(Number(headers['webhook-timestamp']) * 1000);
  return webhook.sign(id, timestamp, body) === headers['webhook-signature'];
}

/** Starts a receiver that records every request. */
export async function startRecorder(name: string, moments: Moments, life: () => number, random: Random) {
  const requests: Request[] = [];
  const refusals = new Map<string, number>();
  let mood: Mood = 'well';

  async function accept(response: ServerResponse, request: Request): Promise<void> {
    moments.emit('delivery');
    await sleep((mood === 'slow' ? SLOW_MS : 5) * random());
    if (response.destroyed) return;
    response.once('finish', () => {
      request.isAccepted = true;
      moments.emit('settlement');
    });
    response.writeHead(204).end();
  }

  function refuse(response: ServerResponse): void {
    switch (mood) {
      case 'throttling':
        response.writeHead(429, { 'retry-after': '1' }).end();
        return;
      case 'hanging':
        return;
      case 'resetting':
        response.socket?.resetAndDestroy();
        return;
      default:
        response.writeHead(500).end('not now');
    }
  }

  function answer(response: ServerResponse, received: Received): void {
    const { id, body } = received;
    const request = { id, body, life: life(), isSigned: isSigned(received), isAccepted: false };
    requests.push(request);
    const refused = refusals.get(id) ?? 0;
    if (mood === 'well' || mood === 'slow' || refused >= MOST_REFUSALS) {
      void accept(response, request);
      return;
    }
    refusals.set(id, refused + 1);
    refuse(response);
  }

  let server: Awaited<ReturnType<typeof startFakeReceiver>> | undefined = await startFakeReceiver(answer);
  const { port, url } = server;
  return {
    name,
    url,
    requests,
    /** The number of refused requests. */
    refused: () => refusals.values().reduce((sum, count) => sum + count, 0),
    async setMood(next: Mood): Promise<void> {
      mood = next;
      if (next === 'gone') {
        await server?.[Symbol.asyncDispose]();
        server = undefined;
      } else {
        server ??= await startFakeReceiver(answer, port);
      }
    },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
      server = undefined;
    },
  };
}

export type Recorder = Awaited<ReturnType<typeof startRecorder>>;
