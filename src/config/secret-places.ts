import { repeated } from './checks.ts';
import type { Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';
import { secretRef } from './fields.ts';
import { proxyFault, schemeFault, urlFault } from './network.ts';
import type { RoughFile } from './rough.ts';
import { headerValueFault, readSecret, Secret, tokenFault, webhookSecretFault } from './secrets.ts';

/** A place of the file where a secret stands, or where one may. */
interface SecretPlace {
  readonly path: Path;
  readonly value: unknown;
  /** Whether the value may stand in the file as it is. */
  readonly literalAllowed: boolean;
  readonly faultOf: (text: string) => string | undefined;
}

const tokenPath = (index: number): Path => ['server', 'tokens', index, 'value'];

function placesOf({ server, endpoints, callbacks, egress }: RoughFile): readonly SecretPlace[] {
  const secret = { literalAllowed: false };
  const stringOrSecret = { literalAllowed: true };
  return [
    ...(server.tokens ?? []).map(({ value }, index) => ({
      ...secret,
      path: tokenPath(index),
      value,
      faultOf: tokenFault,
    })),
    ...endpoints.flatMap(({ url, secrets = [], headers = {} }, index) => [
      {
        ...stringOrSecret,
        path: ['endpoints', index, 'url'],
        value: url,
        faultOf: (text: string) => urlFault(text) ?? schemeFault(text, egress?.httpsOnly),
      },
      ...secrets.map((value, at) => ({
        ...secret,
        path: ['endpoints', index, 'secrets', at],
        value,
        faultOf: webhookSecretFault,
      })),
      ...Object.entries(headers).map(([name, value]) => ({
        ...stringOrSecret,
        path: ['endpoints', index, 'headers', name],
        value,
        faultOf: headerValueFault,
      })),
    ]),
    ...callbacks.flatMap(({ secrets }, index) =>
      secrets.map((value, at) => ({
        ...secret,
        path: ['callbacks', index, 'secrets', at],
        value,
        faultOf: webhookSecretFault,
      })),
    ),
    {
      ...stringOrSecret,
      path: ['egress', 'proxy'],
      value: egress?.proxy,
      faultOf: (text) => proxyFault(text, { isInFile: typeof egress?.proxy === 'string' }),
    },
  ];
}

/** The text of a secret; undefined where the file gives none in a form that is allowed there, which others report. */
async function read({ path, value, literalAllowed }: SecretPlace, env: NodeJS.ProcessEnv) {
  if (literalAllowed && typeof value === 'string' && value !== '') return { text: value };
  const ref = secretRef.safeParse(value);
  if (!ref.success) return undefined;
  const found = await readSecret(ref.data, env);
  return found.ok
    ? { text: found.text }
    : { finding: { path: [...path, found.key], message: found.message } };
}

export interface SecretsRead {
  /** By path in text notation. Complete where neither this nor the check of the file's shape found anything. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly findings: readonly Finding[];
}

/** Reads every secret that the file names, and checks each for what it is used for. */
export async function readSecrets(file: RoughFile, env: NodeJS.ProcessEnv): Promise<SecretsRead> {
  const secrets = new Map<string, Secret>();
  const findings: Finding[] = [];
  for (const place of placesOf(file)) {
    const { text, finding } = (await read(place, env)) ?? {};
    if (finding !== undefined) findings.push(finding);
    if (text === undefined) continue;
    const message = place.faultOf(text);
    if (message === undefined) secrets.set(pathText(place.path), new Secret(text));
    else findings.push({ path: place.path, message });
  }
  const tokens = (file.server.tokens ?? []).map((_, index) => {
    const path = tokenPath(index);
    return { key: secrets.get(pathText(path))?.reveal(), path };
  });
  findings.push(...repeated(tokens, (first) => `is the same token as ${first}: each needs its own`));
  return { secrets, findings };
}
