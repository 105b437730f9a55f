import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document, Node, Pair, ParsedNode } from 'yaml';
import type { ConfigFault, Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';

/** A YAML text that was read: its value, and where in the text each place of it is. */
export interface ConfigDocument {
  /** Undefined where the text is too broken to have a value; `faults` is not empty then. */
  readonly value?: unknown;
  /** What is wrong with the text as YAML. */
  readonly faults: readonly ConfigFault[];
  /** A finding with the line of its path, or of the nearest place above it that exists. */
  located(finding: Finding): ConfigFault;
}

/** The first line of the parser's message: the rest repeats the text, which may hold what must not be shown. */
function firstLine(message: string): string {
  const [line = message] = message.split('\n');
  return line.replace(/ at line \d+, column (\d+):?$/, ' (column $1)');
}

const keyText = (pair: Pair) => (isScalar(pair.key) ? String(pair.key.value) : undefined);

/** Where in the text a path leads, as an offset; where it leads nowhere, as far as it goes. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: Node | null | undefined = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      // The last of several equal keys is the one whose value counts.
      const pair: Pair | undefined = node.items.findLast((item) => keyText(item) === String(part));
      if (pair === undefined) return offset;
      offset = (pair.key as ParsedNode).range[0];
      next = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
      offset = (next as ParsedNode | undefined)?.range[0] ?? offset;
    } else {
      return offset;
    }
    node = next as ParsedNode | null | undefined;
  }
  return offset;
}

/** The path of the key that begins at `offset`. */
function pathOfKeyAt(document: Document.Parsed, offset: number): Path {
  let found: Path = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      if ((pair.key as ParsedNode | null)?.range[0] !== offset) return undefined;
      found = pathOf([...ancestors, pair]);
      return visit.BREAK;
    },
  });
  return found;
}

function pathOf(ancestors: readonly unknown[]): Path {
  return ancestors.flatMap((node, index): Path => {
    const parent = ancestors[index - 1];
    if (isSeq(parent)) return [parent.items.indexOf(node)];
    return isMap(parent) ? [keyText(node as Pair) ?? '?'] : [];
  });
}

/** What YAML allows and a configuration does not: keys that are no plain text, aliases of nothing. */
function oddities(document: Document.Parsed): readonly (Finding & { readonly offset: number })[] {
  const odd: (Finding & { offset: number })[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      const key = keyText(pair);
      if (key !== undefined && key !== '__proto__') return;
      const offset = (pair.key as ParsedNode | null)?.range[0] ?? 0;
      odd.push({ path: pathOf([...ancestors, pair]), message: 'a key must be plain text', offset });
    },
    Alias(_, alias, ancestors) {
      if (alias.resolve(document) !== undefined) return;
      const message = `alias *${alias.source} names no anchor`;
      odd.push({ path: pathOf(ancestors), message, offset: alias.range?.[0] ?? 0 });
    },
  });
  return odd;
}

/** Reads a YAML 1.2 text that must hold exactly one document. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const failed = (faults: readonly ConfigFault[]): ConfigDocument => ({
    faults,
    located: ({ path, message }) => ({ path: pathText(path), message, line: 1 }),
  });

  const documents = parseAllDocuments(text, { lineCounter: lines });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined) return failed([{ path: '', message: 'the file is empty', line: 1 }]);
  if (second !== undefined) {
    const line = lineAt(second.range[0]);
    return failed([{ path: '', message: 'holds several YAML documents: only one is allowed', line }]);
  }

  const problems = [...document.errors, ...document.warnings];
  const faults = problems.map(({ code, message, pos: [offset] }): ConfigFault => {
    const line = lineAt(offset);
    if (code !== 'DUPLICATE_KEY') return { path: '', message: firstLine(message), line };
    return { path: pathText(pathOfKeyAt(document, offset)), message: 'the key is given twice', line };
  });
  if (problems.some(({ code }) => code !== 'DUPLICATE_KEY')) return failed(faults);
  if (document.contents === null) return failed([{ path: '', message: 'the file is empty', line: 1 }]);

  const odd = oddities(document).map(({ path, message, offset }): ConfigFault => ({
    path: pathText(path),
    message,
    line: lineAt(offset),
  }));
  if (odd.length > 0) return failed([...faults, ...odd]);
  return {
    ...valueOf(document, faults),
    located: (finding) => ({
      path: pathText(finding.path),
      message: finding.message,
      line: lineAt(offsetOf(document, finding.path)),
    }),
  };
}

function valueOf(document: Document.Parsed, faults: readonly ConfigFault[]) {
  try {
    return { value: document.toJS() as unknown, faults };
  } catch (error) {
    // Aliases that multiply: the parser refuses to unfold more than a hundred.
    const message = error instanceof Error ? error.message : String(error);
    return { faults: [...faults, { path: '', message, line: 1 }] };
  }
}
