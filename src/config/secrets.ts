import { readFile, stat } from 'node:fs/promises';
import { inspect } from 'node:util';

export const MASK = '***';
/** Standard Webhooks 1.0, "Signature scheme": symmetric secrets have 24 to 64 bytes. */
const WEBHOOK_SECRET_BYTES = { min: 24, max: 64 } as const;
const WEBHOOK_SECRET_PREFIX = 'whsec_';
/** A larger file is not a secret; its path must be wrong. */
const MAX_FILE_BYTES = 65_536;

/** A value that only `reveal()` returns: in text, JSON and `console.log` it is `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** The place of a secret outside the configuration file. */
export type SecretRef = { readonly env: string } | { readonly file: string };

export type SecretRead =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly key: 'env' | 'file' };

/** Reads a secret from the place that its reference names. One trailing newline of a file is dropped. */
export async function readSecret(ref: SecretRef, env: NodeJS.ProcessEnv): Promise<SecretRead> {
  if ('env' in ref) {
    // Members of every object, such as toString, are not variables.
    const text = Object.hasOwn(env, ref.env) ? env[ref.env] : undefined;
    if (text !== undefined && text !== '') return { ok: true, text };
    const problem = text === undefined ? 'is not set' : 'is empty';
    return { ok: false, key: 'env', message: `environment variable ${ref.env} ${problem}` };
  }
  const failed = (problem: string) =>
    ({ ok: false, key: 'file', message: `secret file ${ref.file} ${problem}` }) as const;
  try {
    const found = await stat(ref.file);
    if (!found.isFile()) return failed('is not a regular file');
    if (found.size > MAX_FILE_BYTES) return failed(`is larger than ${MAX_FILE_BYTES} bytes`);
    const text = (await readFile(ref.file, 'utf8')).replace(/\r?\n$/, '');
    return text === '' ? failed('is empty') : { ok: true, text };
  } catch (error) {
    return failed(`cannot be read: ${fileProblem(error)}`);
  }
}

/** Returns why the system could not read a file. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Returns the fault of a webhook secret, or undefined. */
export function webhookSecretFault(value: string): string | undefined {
  const form = `a webhook secret is ${WEBHOOK_SECRET_PREFIX} and ${WEBHOOK_SECRET_BYTES.min} to ${WEBHOOK_SECRET_BYTES.max} bytes in base64`;
  if (!value.startsWith(WEBHOOK_SECRET_PREFIX))
    return `does not begin with ${WEBHOOK_SECRET_PREFIX}: ${form}`;
  const encoded = value.slice(WEBHOOK_SECRET_PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  if (key.toString('base64') !== encoded) return `is not base64 after ${WEBHOOK_SECRET_PREFIX}: ${form}`;
  const { min, max } = WEBHOOK_SECRET_BYTES;
  return key.length < min || key.length > max ? `has ${key.length} bytes: ${form}` : undefined;
}

/** A shorter token could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** Returns the fault of a token, or undefined. A token is sent in a header, so it is printable ASCII without spaces. */
export function tokenFault(value: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(value)) return 'a token must be printable ASCII without spaces';
  if (value.length >= MIN_TOKEN_LENGTH) return undefined;
  return `a token must have at least ${MIN_TOKEN_LENGTH} characters`;
}

/** Returns the fault of the value of a header (RFC 9110, section 5.5), or undefined. */
export function headerValueFault(value: string): string | undefined {
  return /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'the value of a header must be printable ASCII';
}
