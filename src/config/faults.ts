/** Keys and indexes from the top of the file to a place in it. */
export type Path = readonly (string | number)[];

/** A fault of the configuration. `path` is in the notation `targets[0].accountId`. */
export interface ConfigFault {
  /** Empty if the fault concerns the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** Counted from 1; for a missing key, the line of the mapping that should have it. */
  readonly line?: number;
}

/** A fault whose line has not been looked up yet. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** Returns a path as text: `endpoints[0].headers["x.y"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Sorts faults by line; those without a line come first. */
export function inFileOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  return faults.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** Returns untrusted text as one harmless line, without line breaks and terminal escapes. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Returns one line for each fault, `FILE:LINE: PATH: message`, each with a newline at its end. */
export function formatFaults({
  file,
  faults,
}: {
  readonly file: string;
  readonly faults: readonly ConfigFault[];
}): string {
  return faults
    .map(({ path, message, line }) => {
      const place = line === undefined ? file : `${file}:${line}`;
      return `${oneLine([place, ...(path === '' ? [] : [path]), message].join(': '))}\n`;
    })
    .join('');
}
