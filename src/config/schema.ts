import * as z from 'zod';
import * as field from './fields.ts';
import { proxyFault, urlFault } from './network.ts';
import { nothingOrSecret, secret, stringOrSecret } from './secret-field.ts';
import type { WithSecrets } from './secret-field.ts';
import { SCOPES } from '../domain/scope.ts';
import { headerValueFault, tokenFault, webhookSecretFault } from './secrets.ts';
import type { Secret } from './secrets.ts';

const DAY_SECONDS = 86_400;

const tokenSchema = z.strictObject({
  name: field.name.describe('Who holds the token; unique'),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .describe('register: POST executions; read: every GET; admin: everything'),
  value: secret(tokenFault).describe('The token; 16 random characters or more are advised'),
});

const serverSchema = z.strictObject({
  host: z
    .exactOptional(field.text)
    .describe('Address to listen on. Default: LIFECYCLE_WATCHER_HOST, else 127.0.0.1'),
  port: field.port.default(field.DEFAULTS.port).describe('0: any free port'),
  tokens: z.array(tokenSchema).default([]).describe('At least one, unless insecure is true'),
  insecure: z.boolean().default(false).describe('No token is needed; only on a loopback host'),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(6000)
    .describe('Per token; without one per address'),
  trustedProxies: z
    .array(field.addressOrNetwork)
    .default([])
    .describe('Addresses and networks whose X-Forwarded-For counts'),
});

const metricsSchema = z.strictObject({
  port: field.port.describe('0: any free port'),
  host: z.exactOptional(field.text).describe('Default: that of the server'),
});

const stallSchema = z.strictObject({
  IN_PROGRESS: field.stallSeconds.default(86_400),
  CANCELLING: field.stallSeconds.default(3600),
  PENDING: field.stallSeconds.default(172_800),
});

const targetSchema = z.strictObject({
  name: field.name.describe('Unique; rows belong to account and Region, so a target can be renamed'),
  accountId: field.accountId.describe('12 digits, quoted'),
  region: field.region.describe('AWS Region'),
  endpoint: z.exactOptional(field.httpUrl).describe('Image Builder, and STS unless stsEndpoint is given'),
  stsEndpoint: z.exactOptional(field.httpUrl).describe('STS alone'),
  roleArn: z
    .exactOptional(field.roleArn)
    .describe("Role in the target's account to assume; else the SDK's default credentials"),
  externalId: z.exactOptional(field.externalId).describe('Given to STS with roleArn'),
  requestsPerSecond: field.requestsPerSecond
    .default(2)
    .describe('A ceiling: the learnt rate stays at or below it'),
  maxConcurrent: field.maxConcurrent.default(4).describe('Calls in flight at once'),
  discover: z
    .exactOptional(z.strictObject({ everySeconds: field.roundSeconds.default(300) }))
    .describe('Given: executions of all lifecycle policies are found by themselves, in rounds'),
  stalledAfterSeconds: stallSchema
    .prefault({})
    .describe('Longer in one status than this is execution.stalled; each key has its own default'),
});

const pollingSchema = z.strictObject({
  targetLagSeconds: field.seconds(DAY_SECONDS).default(15).describe('Mean detection lag to aim for'),
  minIntervalSeconds: field
    .seconds(DAY_SECONDS)
    .default(field.DEFAULTS.minIntervalSeconds)
    .describe('Shortest time between two looks'),
  maxIntervalSeconds: field
    .seconds(DAY_SECONDS)
    .default(field.DEFAULTS.maxIntervalSeconds)
    .describe('Longest time between two looks'),
  giveUpAfterDays: field.days.default(90).describe('Tracking ends so long after it could have begun'),
});

const retentionSchema = z.strictObject({
  finishedDays: field.days.default(30).describe('Executions no longer tracked, and their events'),
  deliveredDays: field.days.default(7).describe('Deliveries that succeeded'),
  deadDays: field.days.default(30).describe('Deliveries given up'),
});

const FORMATS = ['cloudevents', 'slack'] as const;

const endpointSchema = z.strictObject({
  name: field.name.describe('Unique; "callback" is reserved'),
  url: stringOrSecret(urlFault).describe(
    'Where events are posted; shown as its host only. Of slack a secret',
  ),
  format: z
    .enum(FORMATS)
    .default('cloudevents')
    .describe('cloudevents: the event itself, signed; slack: a message to a Slack incoming webhook'),
  secrets: z
    .exactOptional(z.array(secret(webhookSecretFault)).min(1))
    .describe(
      'Standard Webhooks secrets (whsec_…), not for slack; several during rotation: signed with each',
    ),
  events: z.array(field.eventGlob).min(1).default(['*']).describe('Short event names or globs'),
  targets: z.exactOptional(z.array(field.glob).min(1)).describe('Globs over target names'),
  policies: z.exactOptional(z.array(field.glob).min(1)).describe('Globs over lifecycle policy ARNs'),
  labels: z
    .exactOptional(z.record(field.name, field.glob))
    .describe('Each key present, its value matched by the glob'),
  timeoutSeconds: field.seconds(600).default(15).describe('Limit of one attempt'),
  maxConcurrent: field.maxConcurrent.default(8).describe('Attempts in flight at once'),
  requestsPerSecond: field.requestsPerSecond.default(50).describe('Attempts begun each second at most'),
  headers: z
    .record(z.string(), stringOrSecret(headerValueFault))
    .default({})
    .describe('Sent with each attempt; not host, content-* or webhook-*'),
});

const callbackSchema = z.strictObject({
  allow: field.callbackRule.describe(
    'URLs that registrations may give: scheme and port exact, * for one label of the host, the path and all below it',
  ),
  secrets: z
    .array(secret(webhookSecretFault))
    .min(1)
    .describe('Standard Webhooks secrets (whsec_…); several during rotation: signed with each'),
});

const egressSchema = z.strictObject({
  allowPrivateNetworks: z.boolean().default(false).describe('Deliver to private and loopback addresses too'),
  allowCidrs: z.array(field.network).default([]).describe('Networks that are allowed although private'),
  httpsOnly: z
    .boolean()
    .default(false)
    .describe('Refuse to deliver over plain http; an http URL to deliver to is a fault then'),
  proxy: nothingOrSecret(proxyFault)
    .default(null)
    .describe(
      'URL of an HTTP proxy that all deliveries go through, by CONNECT; it must guard private networks itself',
    ),
});

/** The configuration file as it is written. Rules over several keys are in `checks.ts`. */
export const fileSchema = z.strictObject({
  server: serverSchema.prefault({}).describe('The HTTP API and status page'),
  metrics: z
    .exactOptional(metricsSchema)
    .describe('Given: /metrics answers only there. Else on the port of the server'),
  log: z.strictObject({ level: z.enum(field.LOG_LEVELS).default('info') }).prefault({}),
  store: z
    .strictObject({
      sqlite: z.strictObject({ path: field.text.default('data/watcher.db') }).prefault({}),
    })
    .prefault({})
    .describe('Where everything is kept'),
  targets: z.array(targetSchema).min(1).describe('Accounts and Regions to watch'),
  polling: pollingSchema.prefault({}),
  retention: retentionSchema.prefault({}).describe('How long what is over is kept'),
  endpoints: z.array(endpointSchema).default([]).describe('Receivers of webhook events'),
  callbacks: z
    .array(callbackSchema)
    .default([])
    .describe(
      'Which callbackUrl a registration may give; the first entry that allows it counts. Default: none',
    ),
  egress: egressSchema.prefault({}).describe('Where deliveries may go'),
});
export type ConfigFile = z.output<typeof fileSchema>;

/** A file whose references are replaced by their secrets. */
export type FileWithSecrets = WithSecrets<ConfigFile>;

/** A receiver of webhook events. Only `urlHost` of its URL may be shown. */
export interface EndpointConfig extends Omit<FileWithSecrets['endpoints'][number], 'secrets'> {
  readonly urlHost: string;
  readonly secrets: readonly Secret[];
}

/** The effective configuration: a file with its secrets read and all defaults filled in. */
export interface Config extends Omit<FileWithSecrets, 'server' | 'metrics' | 'endpoints'> {
  readonly server: FileWithSecrets['server'] & { readonly host: string };
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly endpoints: readonly EndpointConfig[];
}

/** The schema of the configuration file for editors, as the text of `config/schema.json`. */
export function jsonSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input' });
  const titled = { $schema, title: 'Configuration of lifecycle-watcher', ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
