import { expect } from 'vitest';
import { formatFaults, parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';

export const TOKEN = 'token-0123456789-abcdef';
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 'w').toString('base64')}`;
export const ENV = { TOKEN, WEBHOOK_SECRET };

/** A target and a token, as few keys as possible. */
export const MINIMAL = `server:
  tokens:
    - { name: ci, scopes: [register], value: { env: TOKEN } }
targets:
  - { name: prod, accountId: "123456789012", region: eu-west-1 }
`;

/** The minimal configuration with an endpoint that has what is required and the lines given, each at its indent. */
export function withEndpoint(...lines: readonly string[]): string {
  const endpoint = [
    '- name: ops',
    '  url: https://hooks.example.com/x',
    '  secrets: [{ env: WEBHOOK_SECRET }]',
  ];
  return `${MINIMAL}endpoints:\n${[...endpoint, ...lines.map((line) => `  ${line}`)].join('\n')}\n`;
}

/** The configuration of a text that must have no faults. */
export async function parsed(text: string, env: NodeJS.ProcessEnv = ENV): Promise<Config> {
  const result = await parseConfig(text, { env });
  if (!result.ok) throw new Error(formatFaults(result));
  return result.config;
}

/** The faults of a text as `LINE: PATH: MESSAGE`. */
export async function faultsOf(text: string, env: NodeJS.ProcessEnv = ENV): Promise<readonly string[]> {
  const result = await parseConfig(text, { env, file: 'f' });
  expect(result.ok, 'the text should be faulty').toBe(false);
  if (result.ok) return [];
  return formatFaults(result)
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^f:/, ''));
}
