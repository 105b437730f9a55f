import { stringify } from 'yaml';
import { defined } from '../runtime/defined.ts';
import { withSecrets } from './read-secrets.ts';
import { fileSchema } from './schema.ts';
import type { Config, ConfigFile } from './schema.ts';
import { MASK } from './secrets.ts';
import type { Secret } from './secrets.ts';

/** Slack allows an incoming webhook one message per second (https://docs.slack.dev/apis/web-api/rate-limits). */
const REQUESTS_PER_SECOND = { cloudevents: 50, slack: 1 } as const;

/** Returns the effective configuration of a file without faults. `secrets` holds each of its secrets by path. */
export function resolveConfig(file: ConfigFile, host: string, secrets: ReadonlyMap<string, Secret>): Config {
  const { server, metrics, endpoints, ...rest } = withSecrets(fileSchema, file, secrets);
  return deepFreeze({
    ...rest,
    server: { ...server, host },
    ...defined({ metrics: metrics && { host, ...metrics } }),
    endpoints: endpoints.map((endpoint) => ({
      ...endpoint,
      urlHost: new URL(endpoint.url.reveal()).host,
      secrets: endpoint.secrets ?? [],
      requestsPerSecond: endpoint.requestsPerSecond ?? REQUESTS_PER_SECOND[endpoint.format],
    })),
  });
}

/** Makes the configuration read-only for everyone who holds it. */
function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object);
  }
  return Object.freeze(value);
}

/** Returns the effective configuration as YAML for people: secrets are masked, and URLs of endpoints and proxies cut to their hosts. */
export function effectiveYaml(config: Config): string {
  const { proxy, awsProxy } = config.egress;
  const shown = {
    ...config,
    endpoints: config.endpoints.map(({ urlHost, ...endpoint }) => ({ ...endpoint, url: urlHost })),
    egress: { ...config.egress, proxy: hostIn(proxy), awsProxy: hostIn(awsProxy) },
  };
  // In JSON every secret is shown as its mask.
  return `# Secrets are shown as ${MASK}, URLs of endpoints and proxies as their hosts.\n${stringify(JSON.parse(JSON.stringify(shown)), { aliasDuplicateObjects: false })}`;
}

function hostIn(url: Secret | null): string | null {
  return url === null ? null : new URL(url.reveal()).host;
}
