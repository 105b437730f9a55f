import { stringify } from 'yaml';
import type { Config } from './schema.ts';
import { MASK } from './secrets.ts';

/** The effective configuration as YAML for a person to read: secrets masked, of an endpoint's URL its host only. */
export function effectiveYaml(config: Config): string {
  const shown = {
    ...config,
    endpoints: config.endpoints.map(({ urlHost, ...endpoint }) => ({ ...endpoint, url: urlHost })),
  };
  // Through JSON, where every secret shows itself as its mask.
  return `# Secrets are shown as ${MASK}, URLs of endpoints as their hosts.\n${stringify(JSON.parse(JSON.stringify(shown)), { aliasDuplicateObjects: false })}`;
}
