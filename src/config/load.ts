import { readFile, stat } from 'node:fs/promises';
import { checkRules, checkSecrets } from './checks.ts';
import { readDocument } from './document.ts';
import { resolveConfig } from './effective.ts';
import { inFileOrder } from './faults.ts';
import type { ConfigFault } from './faults.ts';
import { checkAgainst } from './issues.ts';
import { roughly } from './rough.ts';
import { fileSchema } from './schema.ts';
import type { Config } from './schema.ts';
import { readSecrets } from './read-secrets.ts';
import { fileProblem } from './secrets.ts';

export { formatFaults } from './faults.ts';
export type { ConfigFault } from './faults.ts';

const DEFAULT_FILE = 'config/watcher.yaml';
const DEFAULT_HOST = '127.0.0.1';
/** Enough for some thousand targets; a larger file is the wrong one. */
const MAX_FILE_BYTES = 1024 * 1024;

export type LoadResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly file: string };

/** Returns the file to read: that of the command line, else `LIFECYCLE_WATCHER_CONFIG`, else `config/watcher.yaml`. */
export function configPath(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return flag ?? (env['LIFECYCLE_WATCHER_CONFIG'] || DEFAULT_FILE);
}

/** Reads and checks a configuration file. Resolves with the effective configuration, or with all faults. Never rejects. */
export async function loadConfig(options: {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}): Promise<LoadResult> {
  const { file, env } = options;
  const read = await readText(file, 'the configuration');
  if (!read.ok) return { ok: false, file, faults: [{ path: '', message: read.problem }] };
  return parseConfig(read.text, { env, file });
}

/** Reads a file that people write. The problem begins with `subject`, such as "the configuration". Never rejects. */
export async function readText(
  file: string,
  subject: string,
): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string }> {
  const failed = (problem: string) => ({ ok: false, problem: `${subject} ${problem}` }) as const;
  try {
    const found = await stat(file);
    if (!found.isFile()) return failed('cannot be read: not a regular file');
    if (found.size > MAX_FILE_BYTES) return failed(`is larger than ${MAX_FILE_BYTES} bytes`);
    return { ok: true, text: await readFile(file, 'utf8') };
  } catch (error) {
    return failed(`cannot be read: ${fileProblem(error)}`);
  }
}

/**
 * Checks the text of a configuration, and reads the secrets that it names. `file` is the name for the report of faults. Faults
 * are in the order of the text. If the text is not valid YAML, only those faults are reported.
 */
export async function parseConfig(
  text: string,
  options: { readonly env: NodeJS.ProcessEnv; readonly file?: string },
): Promise<LoadResult> {
  const { env, file = 'config' } = options;
  const document = readDocument(text);
  if (!document.ok) return { ok: false, file, faults: inFileOrder(document.faults) };

  const shape = checkAgainst(fileSchema, document.value);
  const rough = roughly(fileSchema, document.value);
  const host = rough.server?.host || env['LIFECYCLE_WATCHER_HOST'] || DEFAULT_HOST;
  const { secrets, findings } = await readSecrets(fileSchema, document.value, env);
  const found = [
    ...(shape.ok ? [] : shape.findings),
    ...checkRules(rough, host),
    ...findings,
    ...checkSecrets(rough, secrets),
  ];
  const faults = inFileOrder([...document.faults, ...found.map(document.located)]);
  if (!shape.ok || faults.length > 0) return { ok: false, file, faults };
  return { ok: true, config: resolveConfig(shape.value, host, secrets) };
}
