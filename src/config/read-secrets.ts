import type * as z from 'zod';
import type { Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';
import { membersOf, unwrapped } from './schema-walk.ts';
import { secretRef, secretRuleOf } from './secret-field.ts';
import type { SecretRule, WithSecrets } from './secret-field.ts';
import { readSecret, Secret } from './secrets.ts';

/** A place in the file that the schema declares to hold a secret. */
interface SecretPlace {
  readonly path: Path;
  readonly value: unknown;
  readonly rule: SecretRule;
}

function* placesOf(schema: z.core.$ZodType, value: unknown, path: Path = []): Generator<SecretPlace> {
  const inner = unwrapped(schema);
  const rule = secretRuleOf(inner);
  if (rule !== undefined) yield { path, value, rule };
  else
    for (const member of membersOf(inner, value))
      yield* placesOf(member.schema, member.value, [...path, member.key]);
}

type TextRead =
  { readonly text: string; readonly isInFile: boolean } | { readonly finding: Finding } | undefined;

/** Returns the text of a secret. Returns undefined if the value has no valid form, because the check of the schema reports that. */
async function readText({ path, value, rule }: SecretPlace, env: NodeJS.ProcessEnv): Promise<TextRead> {
  if (rule.isLiteralAllowed && typeof value === 'string' && value !== '')
    return { text: value, isInFile: true };
  const ref = secretRef.safeParse(value);
  if (!ref.success) return undefined;
  const found = await readSecret(ref.data, env);
  return found.ok
    ? { text: found.text, isInFile: false }
    : { finding: { path: [...path, found.key], message: found.message } };
}

export interface SecretsRead {
  /** By path in text notation. Complete if there are no findings and the file matches its schema. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly findings: readonly Finding[];
}

/** Reads every secret that a value names, and checks each by the rule in the schema. The value may be faulty. */
export async function readSecrets(
  schema: z.ZodType,
  value: unknown,
  env: NodeJS.ProcessEnv,
): Promise<SecretsRead> {
  const secrets = new Map<string, Secret>();
  const findings: Finding[] = [];
  for (const place of placesOf(schema, value)) {
    const read = await readText(place, env);
    if (read === undefined) continue;
    if ('finding' in read) {
      findings.push(read.finding);
      continue;
    }
    const { text, ...source } = read;
    const message = place.rule.faultOf(text, source);
    if (message === undefined) secrets.set(pathText(place.path), new Secret(text));
    else findings.push({ path: place.path, message });
  }
  return { secrets, findings };
}

/** Returns a copy of a checked value with each secret in place of its reference. */
export function withSecrets<T extends z.ZodType>(
  schema: T,
  value: z.output<T>,
  secrets: ReadonlyMap<string, Secret>,
): WithSecrets<z.output<T>> {
  return replaceSecrets(schema, value, secrets, []) as WithSecrets<z.output<T>>;
}

function replaceSecrets(
  schema: z.core.$ZodType,
  value: unknown,
  secrets: ReadonlyMap<string, Secret>,
  path: Path,
): unknown {
  const inner = unwrapped(schema);
  if (secretRuleOf(inner) !== undefined && value !== null) {
    const secret = secrets.get(pathText(path));
    if (secret === undefined) throw new Error(`the secret at ${pathText(path)} was not read`);
    return secret;
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Array.from(membersOf(inner, value))
    .filter((member) => member.value !== undefined)
    .map((member) => {
      const memberPath = [...path, member.key];
      return [member.key, replaceSecrets(member.schema, member.value, secrets, memberPath)] as const;
    });
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}
