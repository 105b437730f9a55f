import { repeated } from './checks.ts';
import type { Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';
import { secretRef } from './fields.ts';
import { urlFault } from './network.ts';
import type { RoughFile } from './rough.ts';
import { headerValueFault, readSecret, Secret, tokenFault, webhookSecretFault } from './secrets.ts';

/** A place of the file where a secret stands, or where one may. */
interface SecretPlace {
  readonly path: Path;
  readonly value: unknown;
  readonly faultOf: (text: string) => string | undefined;
}

function placesOf({ server, endpoints }: RoughFile): readonly SecretPlace[] {
  return [
    ...(server.tokens ?? []).map(({ value }, index) => ({
      path: ['server', 'tokens', index, 'value'],
      value,
      faultOf: tokenFault,
    })),
    ...endpoints.flatMap(({ url, secrets, headers = {} }, index) => [
      { path: ['endpoints', index, 'url'], value: url, faultOf: urlFault },
      ...secrets.map((value, at) => ({
        path: ['endpoints', index, 'secrets', at],
        value,
        faultOf: webhookSecretFault,
      })),
      ...Object.entries(headers).map(([name, value]) => ({
        path: ['endpoints', index, 'headers', name],
        value,
        faultOf: headerValueFault,
      })),
    ]),
  ];
}

/** Where strings may stand in the file as they are, all but tokens and webhook secrets. */
const literalAllowed = ({ faultOf }: SecretPlace) => faultOf === urlFault || faultOf === headerValueFault;

export interface SecretsRead {
  /** By path in text notation. Complete where there are no findings. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly findings: readonly Finding[];
}

/** Reads every secret that the file names, and checks each for what it is used for. References of a wrong form are left out. */
export async function readSecrets(file: RoughFile, env: NodeJS.ProcessEnv): Promise<SecretsRead> {
  const secrets = new Map<string, Secret>();
  const findings: Finding[] = [];
  const tokens: { key: string; path: Path }[] = [];
  for (const place of placesOf(file)) {
    const { path, value, faultOf } = place;
    const ref = secretRef.safeParse(value);
    let text: string;
    if (ref.success) {
      const read = await readSecret(ref.data, env);
      if (!read.ok) {
        findings.push({ path: [...path, read.key], message: read.message });
        continue;
      }
      text = read.text;
    } else if (typeof value === 'string' && value !== '' && literalAllowed(place)) {
      text = value;
    } else {
      continue;
    }
    const message = faultOf(text);
    if (message === undefined) secrets.set(pathText(path), new Secret(text));
    else findings.push({ path, message });
    if (faultOf === tokenFault) tokens.push({ key: text, path });
  }
  findings.push(...repeated(tokens, (first) => `is the same token as ${first}: each needs its own`));
  return { secrets, findings };
}
