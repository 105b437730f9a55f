import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { resentSchema } from '../wire/delivery.ts';
import type { DaemonClient, DaemonOptions } from './api-client/client.ts';
import { parseInstant } from './terminal/arguments.ts';
import { daemonCommand, withDaemon } from './api-client/daemon-command.ts';
import { wrongUsage } from './api-client/failure.ts';

interface ResendOptions extends DaemonOptions {
  readonly endpoint?: string;
  readonly since?: string;
  readonly until?: string;
  readonly state?: string;
}

/** A range may contain a million deliveries, which the daemon processes in slices. */
const RANGE_TIMEOUT_MS = 600_000;

/** Resends one delivery, or those of an endpoint that were created in a time range. */
export function resendCommand(): Command {
  return daemonCommand(
    'resend',
    'Resend one delivery, or those of an endpoint that were created in a time range',
    `lifecycle-watcher resend 4711
lifecycle-watcher resend --endpoint ops --since 2026-11-23T06:00:00Z --until 2026-11-23T09:00:00Z`,
  )
    .argument('[delivery]', 'id of the delivery, as listed by GET /v1/deliveries', parseDeliveryId)
    .option('--endpoint <name>', 'endpoint whose deliveries are resent')
    .option('--since <instant>', 'only deliveries created at or after this instant', parseInstant)
    .option('--until <instant>', 'only deliveries created before this instant', parseInstant)
    .addOption(
      new Option('--state <state>', 'only deliveries in this state (default: dead)').choices([
        'dead',
        'delivered',
      ]),
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
  if ([endpoint, since, until, state].some((option) => option !== undefined))
    throw wrongUsage('give either the id of a delivery or --endpoint with a time range, not both');
  const path = `/v1/deliveries/${id}/resend`;
  const { resent } = await daemon.ask(resentSchema, path, { scope: 'admin', method: 'POST' });
  process.stdout.write(
    resent === 1
      ? `delivery ${id} will be resent\n`
      : `delivery ${id} is being sent right now and will not be resent\n`,
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
  process.stdout.write(`${resent} ${resent === 1 ? 'delivery' : 'deliveries'} will be resent\n`);
  return 0;
}

function parseDeliveryId(text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of a delivery, a number.');
}
