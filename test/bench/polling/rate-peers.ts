// What users could pick instead of the learnt rate, on a thread of their own: they must not hold up the measurement of it.
import { parentPort, workerData } from 'node:worker_threads';
import { fixedClient, sdkClient } from './rate-clients.ts';
import type { Client } from './rate-clients.ts';
import { playScene, SCENES } from './rate-scenes.ts';
import type { Timing } from './rate-scenes.ts';

const PEERS: readonly (readonly [string, Client])[] = [
  ['SDK standard', sdkClient('standard')],
  ['SDK adaptive', sdkClient('adaptive')],
  ['fixed, 10/s', fixedClient(10)],
];

/** What the thread tells of each run. */
export interface PeerRow {
  readonly client: string;
  readonly scene: string;
  readonly used: number;
  readonly throttledShare: number;
  readonly calls: number;
}

const timing = workerData as Timing;
const rows = PEERS.flatMap(([client, play]) =>
  SCENES.map(async (scene): Promise<PeerRow> => {
    const { used, throttledShare, calls } = await playScene(scene, play, timing, 1);
    return { client, scene: scene.name, used, throttledShare, calls };
  }),
);
parentPort?.postMessage(await Promise.all(rows));
