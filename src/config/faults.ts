/** Keys and indexes from the top of the file to a place in it. */
export type Path = readonly (string | number)[];

/** Something wrong with the configuration: where, in the notation `targets[0].accountId`, and what. */
export interface ConfigFault {
  /** Empty where the file as a whole is meant. */
  readonly path: string;
  readonly message: string;
  /** Counted from 1; for a key that is missing, the line of what should hold it. */
  readonly line?: number;
}

/** A fault found, its line not looked up yet. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** A path as text: `endpoints[0].headers["x.y"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** In the order of the file; what has no line comes first. */
export function inFileOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  return faults.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** A text of someone else's, in which a line break or an escape for the terminal may stand, as one harmless line. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** One line for each fault, `FILE:LINE: PATH: message`, each ended by a newline. */
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
