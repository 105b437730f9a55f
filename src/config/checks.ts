import { CALLBACK_ENDPOINT } from '../domain/delivery/callback.ts';
import type { Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';
import { DEFAULTS } from './fields.ts';
import { isLoopback } from '../runtime/host.ts';
import { schemeFault } from './network.ts';
import { partitionOf } from './partition.ts';
import type { Rough } from './rough.ts';
import type { ConfigFile } from './schema.ts';
import type { Secret } from './secrets.ts';

/** RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that the signature covers or that HTTP itself sets. */
const RESERVED_HEADER =
  /^(host|content-.*|webhook-.*|connection|keep-alive|transfer-encoding|upgrade|te|trailer|expect)$/;

type RoughFile = Rough<ConfigFile>;

interface Entry {
  readonly key: string | undefined;
  readonly path: Path;
}

/** Returns a finding for each entry that has the same key as an earlier one. */
export function repeated(entries: readonly Entry[], message: (first: string) => string): readonly Finding[] {
  const seen = new Map<string, Path>();
  return entries.flatMap(({ key, path }): readonly Finding[] => {
    if (key === undefined) return [];
    const first = seen.get(key);
    if (first !== undefined) return [{ path, message: message(pathText(first)) }];
    seen.set(key, path);
    return [];
  });
}

function repeatedNames(section: Path, entries: readonly { readonly name?: string | undefined }[]) {
  return repeated(
    entries.map(({ name }, index) => ({ key: name, path: [...section, index, 'name'] })),
    (first) => `the name is taken by ${first}`,
  );
}

function serverFindings({ server = {}, metrics }: RoughFile, host: string): readonly Finding[] {
  const findings: Finding[] = [];
  if (server.insecure === true && !isLoopback(host)) {
    const message = `is only allowed if server.host is a loopback address; it is ${host}`;
    findings.push({ path: ['server', 'insecure'], message });
  }
  const tokenCount = server.tokens?.length ?? 0;
  if (tokenCount === 0 && server.insecure !== true) {
    const message = 'at least one token is needed, unless server.insecure is true on a loopback host';
    findings.push({ path: ['server', 'tokens'], message });
  }
  const port = server.port ?? DEFAULTS.port;
  if (metrics !== undefined && metrics.port === port && port !== 0 && (metrics.host ?? host) === host) {
    findings.push({
      path: ['metrics', 'port'],
      message: 'is the port of the server: leave out metrics to serve them there',
    });
  }
  return [...findings, ...repeatedNames(['server', 'tokens'], server.tokens ?? [])];
}

function roleFindings(
  { accountId, region = '', roleArn, externalId }: Rough<ConfigFile['targets'][number]>,
  target: Path,
): readonly Finding[] {
  if (roleArn === undefined) {
    if (externalId === undefined) return [];
    return [{ path: [...target, 'externalId'], message: 'is used only with roleArn' }];
  }
  const [, rolePartition, roleAccount] = /^arn:([^:]*):iam::(\d{12}):/.exec(roleArn) ?? [];
  if (rolePartition === undefined) return [];
  const path = [...target, 'roleArn'];
  const partition = partitionOf(region) ?? rolePartition;
  return [
    ...(accountId === undefined || roleAccount === accountId
      ? []
      : [{ path, message: `the role is in account ${roleAccount}, but accountId is ${accountId}` }]),
    ...(partition === rolePartition
      ? []
      : [
          {
            path,
            message: `the role is in partition ${rolePartition}, but Region ${region} is in partition ${partition}`,
          },
        ]),
  ];
}

function targetFindings({ targets = [] }: RoughFile): readonly Finding[] {
  const places = targets.map(({ accountId, region }, index) => ({
    key: accountId === undefined || region === undefined ? undefined : `${accountId}/${region}`,
    path: ['targets', index],
  }));
  return [
    ...repeatedNames(['targets'], targets),
    ...repeated(
      places,
      (first) =>
        `the account and Region are the same as in ${first}: AWS throttles them together, so use one target`,
    ),
    ...targets.flatMap((target, index) => roleFindings(target, ['targets', index])),
  ];
}

function pollingFindings({ polling }: RoughFile): readonly Finding[] {
  const min = polling?.minIntervalSeconds ?? DEFAULTS.minIntervalSeconds;
  const max = polling?.maxIntervalSeconds ?? DEFAULTS.maxIntervalSeconds;
  if (min <= max) return [];
  const message = `must not be more than maxIntervalSeconds (${max}); it is ${min}`;
  return [{ path: ['polling', 'minIntervalSeconds'], message }];
}

function headerFindings(names: readonly string[], endpoint: Path): readonly Finding[] {
  const entries = names.map((name) => ({ key: name.toLowerCase(), path: [...endpoint, 'headers', name] }));
  const refused = entries.flatMap(({ key, path }): readonly Finding[] => {
    if (!HEADER_NAME.test(key)) return [{ path, message: 'is not a valid header name' }];
    if (!RESERVED_HEADER.test(key)) return [];
    return [
      {
        path,
        message: 'is reserved: the watcher sets host, content-*, webhook-* and connection headers itself',
      },
    ];
  });
  return [...refused, ...repeated(entries, (first) => `is the same header as ${first}`)];
}

function formatFindings(
  { format, url, secrets }: Rough<ConfigFile['endpoints'][number]>,
  endpoint: Path,
): readonly Finding[] {
  if (format !== 'slack') {
    if (secrets !== undefined) return [];
    return [{ path: [...endpoint, 'secrets'], message: 'is missing: it must be a list' }];
  }
  return [
    ...(secrets === undefined
      ? []
      : [
          {
            path: [...endpoint, 'secrets'],
            message: 'is not used with format slack, because Slack verifies no signatures',
          },
        ]),
    ...(typeof url === 'string' && url !== ''
      ? [
          {
            path: [...endpoint, 'url'],
            message: 'the URL of a Slack webhook is a secret: give { env: NAME } or { file: PATH }',
          },
        ]
      : []),
  ];
}

function endpointFindings({ endpoints = [] }: RoughFile): readonly Finding[] {
  return [
    ...repeatedNames(['endpoints'], endpoints),
    ...endpoints.flatMap((endpoint, index) => formatFindings(endpoint, ['endpoints', index])),
    ...endpoints.flatMap(({ name, headers = {} }, index): readonly Finding[] => [
      ...(name === CALLBACK_ENDPOINT
        ? [{ path: ['endpoints', index, 'name'], message: `the name ${name} is reserved` }]
        : []),
      ...headerFindings(Object.keys(headers), ['endpoints', index]),
    ]),
  ];
}

function callbackFindings({ callbacks = [], egress }: RoughFile): readonly Finding[] {
  const rules = callbacks.map(({ allow }, index) => ({ key: allow, path: ['callbacks', index, 'allow'] }));
  return [
    ...repeated(rules, (first) => `is the same as ${first}, which takes precedence`),
    ...rules.flatMap(({ key, path }): readonly Finding[] => {
      const message = key === undefined ? undefined : schemeFault(key, egress?.httpsOnly);
      return message === undefined ? [] : [{ path, message }];
    }),
  ];
}

/** Checks the rules that span several keys. `host` is the host of the server, with its default filled in. */
export function checkRules(file: RoughFile, host: string): readonly Finding[] {
  return [
    ...serverFindings(file, host),
    ...targetFindings(file),
    ...pollingFindings(file),
    ...endpointFindings(file),
    ...callbackFindings(file),
  ];
}

/** Checks the rules that span several keys, one of them a secret. `secrets` holds those that could be read, by path. */
export function checkSecrets(
  { server, endpoints = [], egress }: RoughFile,
  secrets: ReadonlyMap<string, Secret>,
): readonly Finding[] {
  const textAt = (path: Path) => secrets.get(pathText(path))?.reveal();
  const tokens = (server?.tokens ?? []).map((_, index) => {
    const path = ['server', 'tokens', index, 'value'];
    return { key: textAt(path), path };
  });
  const urls = endpoints.flatMap((_, index): readonly Finding[] => {
    const path = ['endpoints', index, 'url'];
    const message = schemeFault(textAt(path) ?? '', egress?.httpsOnly);
    return message === undefined ? [] : [{ path, message }];
  });
  return [...repeated(tokens, (first) => `is the same token as ${first}: each needs its own`), ...urls];
}
