import * as z from 'zod';

/**
 * A look at a file that may be faulty: what is of the wrong type reads as absent. The rules over several keys are checked
 * on this view, so that a slip in one place does not hide the faults of another.
 */
const maybe = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
const list = <T extends z.ZodType>(element: T) => z.array(element).catch([]);
const text = maybe(z.string());
const number = maybe(z.number());
const mapping = maybe(z.record(z.string(), z.unknown()));

const roughTarget = z.object({
  name: text,
  accountId: text,
  region: text,
  roleArn: text,
  externalId: text,
});
const roughToken = z.object({ name: text, value: z.unknown() });
const roughEndpoint = z.object({
  name: text,
  url: z.unknown(),
  format: text,
  /** Absent only where it is left out: what is no list is reported by itself. */
  secrets: z.array(z.unknown()).catch([]).optional(),
  headers: mapping,
});

const roughCallback = z.object({ allow: text, secrets: list(z.unknown()) });

const roughServer = z.object({
  host: text,
  port: number,
  insecure: maybe(z.boolean()),
  tokens: maybe(list(roughToken.catch({ value: undefined }))),
});

const roughFile = z.object({
  server: roughServer.catch({}),
  metrics: maybe(z.object({ host: text, port: number })),
  targets: list(roughTarget.catch({})),
  polling: maybe(z.object({ minIntervalSeconds: number, maxIntervalSeconds: number })),
  callbacks: list(roughCallback.catch({ allow: undefined, secrets: [] })),
  egress: maybe(z.object({ httpsOnly: maybe(z.boolean()), proxy: z.unknown().optional() })),
  endpoints: list(roughEndpoint.catch({ url: undefined, secrets: [], headers: undefined })),
});
export type RoughFile = z.output<typeof roughFile>;

/** What can be read of a mapping that should be a configuration file. */
export function roughly(value: object): RoughFile {
  return roughFile.parse(value);
}
