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
  name: field.name.describe('Name of the token holder; unique'),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .describe('register: POST executions; read: every GET; admin: everything'),
  value: secret(tokenFault).describe('The token: at least 16 characters, best random ones'),
});

const serverSchema = z.strictObject({
  host: z
    .exactOptional(field.text)
    .describe('Address to listen on. Default: LIFECYCLE_WATCHER_HOST, else 127.0.0.1'),
  port: field.port.default(field.DEFAULTS.port).describe('0: any free port'),
  tokens: z.array(tokenSchema).default([]).describe('At least one, unless insecure is true'),
  insecure: z.boolean().default(false).describe('Accept requests without a token; only on a loopback host'),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(6000)
    .describe('Limit for each token, or for each address without a token'),
  trustedProxies: z
    .array(field.addressOrNetwork)
    .default([])
    .describe('Addresses and networks of proxies whose X-Forwarded-For is trusted'),
});

const metricsSchema = z.strictObject({
  port: field.port.describe('0: any free port'),
  host: z.exactOptional(field.text).describe('Default: the host of the server'),
});

const stallSchema = z.strictObject({
  IN_PROGRESS: field.stallSeconds.default(86_400).describe('Seconds in IN_PROGRESS'),
  CANCELLING: field.stallSeconds.default(3600).describe('Seconds in CANCELLING'),
  PENDING: field.stallSeconds.default(172_800).describe('Seconds in PENDING'),
});

const targetSchema = z.strictObject({
  name: field.name.describe('Unique; data belongs to account and Region, so a target can be renamed'),
  accountId: field.accountId.describe('12 digits, quoted'),
  region: field.region.describe('AWS Region'),
  endpoint: z
    .exactOptional(field.httpUrl)
    .describe('URL of Image Builder, and of STS unless stsEndpoint is given'),
  stsEndpoint: z.exactOptional(field.httpUrl).describe('URL of STS'),
  roleArn: z
    .exactOptional(field.roleArn)
    .describe("Role to assume in the target's account. Default: the SDK's default credentials"),
  externalId: z.exactOptional(field.externalId).describe('Passed to STS with roleArn'),
  requestsPerSecond: field.requestsPerSecond
    .default(2)
    .describe('Upper limit: the learned rate stays at or below it'),
  maxConcurrent: field.maxConcurrent.default(4).describe('Most calls in flight at once'),
  discover: z
    .exactOptional(
      z.strictObject({
        everySeconds: field.roundSeconds.default(300).describe('Time from one round to the next'),
      }),
    )
    .describe('If present, executions of all lifecycle policies are discovered in regular rounds'),
  stalledAfterSeconds: stallSchema
    .prefault({})
    .describe('Time in one status after which execution.stalled is sent; each key has its own default'),
});

const pollingSchema = z.strictObject({
  targetLagSeconds: field.seconds(DAY_SECONDS).default(15).describe('Target for the mean detection lag'),
  minIntervalSeconds: field
    .seconds(DAY_SECONDS)
    .default(field.DEFAULTS.minIntervalSeconds)
    .describe('Shortest time between two looks at an execution'),
  maxIntervalSeconds: field
    .seconds(DAY_SECONDS)
    .default(field.DEFAULTS.maxIntervalSeconds)
    .describe('Longest time between two looks at an execution'),
  giveUpAfterDays: field.days
    .default(90)
    .describe('Tracking ends this long after the registration, or after the expected start if that is later'),
});

const retentionSchema = z.strictObject({
  finishedDays: field.days.default(30).describe('Executions that are no longer tracked, and their events'),
  deliveredDays: field.days.default(7).describe('Deliveries that succeeded'),
  deadDays: field.days.default(30).describe('Deliveries that were given up'),
});

const FORMATS = ['cloudevents', 'slack'] as const;

const endpointSchema = z.strictObject({
  name: field.name.describe('Unique; "callback" is reserved'),
  url: stringOrSecret(urlFault).describe(
    'Events are posted here; only its host is ever shown. With format slack it is a secret',
  ),
  format: z
    .enum(FORMATS)
    .default('cloudevents')
    .describe('cloudevents: the event itself, signed; slack: a message to a Slack incoming webhook'),
  secrets: z
    .exactOptional(z.array(secret(webhookSecretFault)).min(1))
    .describe(
      'Standard Webhooks secrets (whsec_…), not for slack. During rotation give several: each of them signs',
    ),
  events: z.array(field.eventGlob).min(1).default(['*']).describe('Short event names or globs'),
  targets: z.exactOptional(z.array(field.glob).min(1)).describe('Globs over target names'),
  policies: z.exactOptional(z.array(field.glob).min(1)).describe('Globs over lifecycle policy ARNs'),
  labels: z
    .exactOptional(z.record(field.name, field.glob))
    .describe('Each key must be present, and its value must match the glob'),
  timeoutSeconds: field.seconds(600).default(15).describe('Time limit of one attempt'),
  maxConcurrent: field.maxConcurrent.default(8).describe('Most attempts in flight at once'),
  requestsPerSecond: z
    .exactOptional(field.requestsPerSecond)
    .describe('Most attempts begun each second. Default: 50, or 1 with format slack'),
  headers: z
    .record(z.string(), stringOrSecret(headerValueFault))
    .default({})
    .describe('Sent with each attempt; not host, content-* or webhook-*'),
});

const callbackSchema = z.strictObject({
  allow: field.callbackRule.describe(
    'URLs that registrations may give: exact scheme and port, * for one label of the host, the path and everything below it',
  ),
  secrets: z
    .array(secret(webhookSecretFault))
    .min(1)
    .describe('Standard Webhooks secrets (whsec_…). During rotation give several: each of them signs'),
});

const egressSchema = z.strictObject({
  allowPrivateNetworks: z.boolean().default(false).describe('Deliver to private and loopback addresses, too'),
  allowCidrs: z.array(field.network).default([]).describe('Private networks that are allowed nevertheless'),
  httpsOnly: z
    .boolean()
    .default(false)
    .describe('Never deliver over plain http; an http URL for deliveries is then a fault'),
  proxy: nothingOrSecret(proxyFault)
    .default(null)
    .describe(
      'URL of an HTTP proxy that all deliveries go through, by CONNECT; the proxy itself must guard private networks',
    ),
  awsProxy: nothingOrSecret(proxyFault)
    .default(null)
    .describe(
      'URL of an HTTP proxy that all calls to AWS go through, by CONNECT; sources of credentials on this machine or its network are asked directly',
    ),
});

/** The configuration file as it is written. Rules that span several keys are in `checks.ts`. */
export const fileSchema = z.strictObject({
  server: serverSchema.prefault({}).describe('The HTTP API'),
  metrics: z
    .exactOptional(metricsSchema)
    .describe('If present, /metrics is served only there; otherwise on the port of the server'),
  log: z
    .strictObject({
      level: z.enum(field.LOG_LEVELS).default('info').describe('Less severe lines are not written'),
    })
    .prefault({})
    .describe('The log on standard output'),
  store: z
    .strictObject({
      sqlite: z
        .strictObject({ path: field.text.default('data/watcher.db').describe('Its file, on a local disk') })
        .prefault({})
        .describe('An SQLite database'),
    })
    .prefault({})
    .describe('The database'),
  targets: z.array(targetSchema).min(1).describe('Accounts and Regions to watch'),
  polling: pollingSchema.prefault({}).describe('When executions are looked at, and for how long'),
  retention: retentionSchema.prefault({}).describe('How long finished executions and deliveries are kept'),
  endpoints: z.array(endpointSchema).default([]).describe('Receivers of webhook events'),
  callbacks: z
    .array(callbackSchema)
    .default([])
    .describe(
      'Rules for the callbackUrl of registrations; the first entry that allows it applies. Default: none is allowed',
    ),
  egress: egressSchema.prefault({}).describe('Restrictions on the destinations of deliveries, and proxies'),
});
export type ConfigFile = z.output<typeof fileSchema>;

/** A file whose references are replaced by their secrets. */
export type FileWithSecrets = WithSecrets<ConfigFile>;

/** A receiver of webhook events. Only `urlHost` of its URL may be shown. */
export interface EndpointConfig extends Omit<
  FileWithSecrets['endpoints'][number],
  'secrets' | 'requestsPerSecond'
> {
  readonly urlHost: string;
  readonly requestsPerSecond: number;
  readonly secrets: readonly Secret[];
}

/** The effective configuration: a file with its secrets read and all defaults filled in. */
export interface Config extends Omit<FileWithSecrets, 'server' | 'metrics' | 'endpoints'> {
  readonly server: FileWithSecrets['server'] & { readonly host: string };
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly endpoints: readonly EndpointConfig[];
}

/** Returns the text of `config/schema.json`, the schema of the configuration file for editors. */
export function jsonSchemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input' });
  const titled = { $schema, title: 'Configuration of lifecycle-watcher', ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}
