/** An alternative to the learning cadence. `delay` returns the seconds after poll number `look`, 1 being the one at the start. */
export interface Peer {
  readonly name: string;
  readonly delay: (look: number, random: () => number) => number;
}

/** `createWaiter` of the AWS SDK for JavaScript with its defaults: random between 2 s and a limit that doubles up to 120 s. */
function waiterDelay(look: number, random: () => number): number {
  const [least, most] = [2, 120];
  if (look > Math.log2(most / least) + 1) return most;
  return least + random() * (least * 2 ** (look - 1) - least);
}

export const PEERS: readonly Peer[] = [
  { name: 'fixed', delay: () => 10 },
  { name: 'createWaiter', delay: waiterDelay },
  // StateChangeConf of Terraform's plugin SDK with its defaults: 100 ms, doubled before each wait up to 10 s.
  { name: 'StateChangeConf', delay: (look) => Math.min(10, 0.1 * 2 ** look) },
  { name: 'Step Functions', delay: (look) => (look === 1 ? 60 : 300) },
  { name: 'doubling', delay: (look) => 2 ** (look - 1) },
];
