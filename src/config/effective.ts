import { stringify } from 'yaml';
import type { Path } from './faults.ts';
import { pathText } from './faults.ts';
import type { Config, ConfigFile, EndpointConfig } from './schema.ts';
import { MASK } from './secrets.ts';
import type { Secret } from './secrets.ts';

/** The effective configuration of a file without faults. `secrets` holds every secret of it by path. */
export function resolveConfig(file: ConfigFile, host: string, secrets: ReadonlyMap<string, Secret>): Config {
  const secretAt = (...path: Path): Secret => {
    const secret = secrets.get(pathText(path));
    if (secret === undefined) throw new Error(`the secret at ${pathText(path)} was not read`);
    return secret;
  };
  const { server, metrics, endpoints, callbacks, egress, ...rest } = file;
  const tokens = server.tokens.map((token, index) => ({
    ...token,
    value: secretAt('server', 'tokens', index, 'value'),
  }));
  return deepFreeze({
    ...rest,
    server: { ...server, host, tokens },
    ...(metrics === undefined ? {} : { metrics: { host, ...metrics } }),
    endpoints: endpoints.map((endpoint, index): EndpointConfig => {
      const url = secretAt('endpoints', index, 'url');
      return {
        ...endpoint,
        url,
        urlHost: new URL(url.reveal()).host,
        secrets: (endpoint.secrets ?? []).map((_, at) => secretAt('endpoints', index, 'secrets', at)),
        headers: Object.fromEntries(
          Object.keys(endpoint.headers).map((name) => [name, secretAt('endpoints', index, 'headers', name)]),
        ),
      };
    }),
    callbacks: callbacks.map(({ allow, secrets }, index) => ({
      allow,
      secrets: secrets.map((_, at) => secretAt('callbacks', index, 'secrets', at)),
    })),
    egress: { ...egress, proxy: egress.proxy === null ? null : secretAt('egress', 'proxy') },
  });
}

/** Whoever holds the configuration can only read it. */
function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object);
  }
  return Object.freeze(value);
}

/** The effective configuration as YAML for a person to read: secrets masked, of the URLs of endpoints and proxy their hosts only. */
export function effectiveYaml(config: Config): string {
  const { proxy } = config.egress;
  const shown = {
    ...config,
    endpoints: config.endpoints.map(({ urlHost, ...endpoint }) => ({ ...endpoint, url: urlHost })),
    egress: { ...config.egress, proxy: proxy === null ? null : new URL(proxy.reveal()).host },
  };
  // Through JSON, where every secret shows itself as its mask.
  return `# Secrets are shown as ${MASK}, URLs of endpoints and proxy as their hosts.\n${stringify(JSON.parse(JSON.stringify(shown)), { aliasDuplicateObjects: false })}`;
}
