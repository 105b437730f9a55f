import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { resentSchema } from '../http/delivery-json.ts';
import type { DaemonClient, DaemonOptions } from './api-client/client.ts';
import { instant } from './terminal/arguments.ts';
import { daemonCommand, withDaemon } from './api-client/client-command.ts';
import { wrongUsage } from './api-client/failure.ts';

interface ResendOptions extends DaemonOptions {
  readonly endpoint?: string;
  readonly since?: string;
  readonly until?: string;
  readonly state?: string;
}

/** A range may be a million deliveries, which the daemon goes through in slices. */
const RANGE_TIMEOUT_MS = 600_000;

/** One delivery again, or all of an endpoint that were created in a range. */
export function resendCommand(): Command {
  return daemonCommand(
    'resend',
    'has a running daemon send deliveries again: one, or those of an endpoint created in a range',
    `lifecycle-watcher resend 4711
lifecycle-watcher resend --endpoint ops --since 2026-11-23T06:00:00Z --until 2026-11-23T09:00:00Z`,
  )
    .argument('[delivery]', 'its id, as GET /v1/deliveries shows it', deliveryId)
    .option('--endpoint <name>', 'the endpoint, where it is a range')
    .option('--since <instant>', 'created at this instant or later', instant)
    .option('--until <instant>', 'created before this instant', instant)
    .addOption(
      new Option('--state <state>', 'in which they are now (default: dead)').choices(['dead', 'delivered']),
    )
    .action((delivery: string | undefined, options: ResendOptions) =>
      withDaemon(options, (daemon) =>
        delivery === undefined ? resendRange(daemon, options) : resendOne(daemon, delivery, options),
      ),
    );
}

async function resendOne(
  daemon: DaemonClient,
  id: string,
  { endpoint, since, until, state }: ResendOptions,
): Promise<number> {
  if ([endpoint, since, until, state].some((given) => given !== undefined))
    throw wrongUsage('either the id of a delivery or --endpoint with a range, not both');
  const path = `/v1/deliveries/${id}/resend`;
  const { resent } = await daemon.ask(resentSchema, path, { scope: 'admin', method: 'POST' });
  process.stdout.write(
    resent === 1 ? `delivery ${id} is sent again\n` : `delivery ${id} is being attempted at this moment\n`,
  );
  return 0;
}

async function resendRange(
  daemon: DaemonClient,
  { endpoint, since, until, state }: ResendOptions,
): Promise<number> {
  if (endpoint === undefined || since === undefined)
    throw wrongUsage('give the id of a delivery, or --endpoint and --since');
  const path = `/v1/endpoints/${encodeURIComponent(endpoint)}/resend`;
  const { resent } = await daemon.ask(resentSchema, path, {
    scope: 'admin',
    body: { since, until, state },
    timeoutMs: RANGE_TIMEOUT_MS,
  });
  process.stdout.write(`${resent} ${resent === 1 ? 'delivery is' : 'deliveries are'} sent again\n`);
  return 0;
}

function deliveryId(text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of a delivery, a number.');
}
