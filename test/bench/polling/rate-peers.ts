// Alternatives to the learnt rate, on a thread of their own so that they do not disturb its measurement.
import { parentPort, workerData } from 'node:worker_threads';
import { fixedClient, sdkClient } from './rate-clients.ts';
import { playScene, SCENES } from './rate-scenes.ts';
import type { Outcome, Timing } from './rate-scenes.ts';

const PEERS = [
  { client: 'SDK, standard', play: sdkClient('standard') },
  { client: 'SDK, adaptive', play: sdkClient('adaptive') },
  { client: 'fixed, 10/s', play: fixedClient(10) },
] as const;

/** The message of the thread for each peer, with its outcomes in the order of the scenes. */
export interface PeerOutcome {
  readonly client: string;
  readonly outcomes: readonly Pick<Outcome, 'used' | 'throttledShare'>[];
}

const outcomesOfPeers = PEERS.map(async ({ client, play }): Promise<PeerOutcome> => {
  const outcomes = await Promise.all(SCENES.map((scene) => playScene(scene, play, workerData as Timing, 1)));
  return { client, outcomes: outcomes.map(({ used, throttledShare }) => ({ used, throttledShare })) };
});
parentPort?.postMessage(await Promise.all(outcomesOfPeers));
