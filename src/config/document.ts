import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document, ErrorCode, Node, Pair, ParsedNode } from 'yaml';
import type { ConfigFault, Finding, Path } from './faults.ts';
import { pathText } from './faults.ts';

/** The value of a YAML text with the line of each place in it, or the faults of the text. */
export type DocumentRead =
  | {
      readonly ok: true;
      readonly value: object;
      /** Faults that YAML itself allows, such as a duplicate key. */
      readonly faults: readonly ConfigFault[];
      /** Adds the line of a finding: that of its path, or of the nearest parent that exists. */
      readonly located: (finding: Finding) => ConfigFault;
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * The number of uses of an anchor, times the number of aliases inside it. This is enough for one role in some thousand targets,
 * and not enough for aliases of aliases to fill the memory.
 */
const MAX_ALIAS_COUNT = 10_000;

/** Messages that replace those of the parser that repeat the text, because the text may contain secrets. */
const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_DQ_ESCAPE: 'a double-quoted text contains an unknown escape',
  NON_STRING_KEY: 'a key must be plain text',
  TAG_RESOLVE_FAILED: 'unknown tag: a text that begins with ! must be quoted',
  UNEXPECTED_TOKEN: 'is not valid YAML: something before it is unfinished or must be quoted',
};

/** Returns the first line of the parser's message without its position. The other lines repeat the text. */
function firstLine(message: string): string {
  return message.replace(/\n[^]*$/, '').replace(/ at line \d+, column \d+:?$/, '');
}

const keyText = (pair: Pair) => (isScalar(pair.key) ? String(pair.key.value) : '?');
const startOf = (node: unknown) => (node as ParsedNode | null | undefined)?.range[0];

/** Returns the offset of a path in the text, or of its longest part that exists. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: Node | null | undefined = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      // The last of several equal keys determines the value.
      const pair: Pair | undefined = node.items.findLast((item) => keyText(item) === part);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      next = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
      offset = startOf(next) ?? offset;
    } else {
      return offset;
    }
    node = next as ParsedNode | null | undefined;
  }
  return offset;
}

/** Returns the path of a visited node. `nodes` are its ancestors and the node itself. */
function pathOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap((node, index): Path => {
    const parent = nodes[index - 1];
    if (isSeq(parent)) return [parent.items.indexOf(node)];
    return isMap(parent) ? [keyText(node as Pair)] : [];
  });
}

/** Returns duplicate keys, of which only one would count, and aliases without an anchor. */
function oddities(document: Document.Parsed, lineAt: (offset: number) => number): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const anchors = new Set<string>();
  const add = (nodes: readonly unknown[], message: string, place: unknown) =>
    faults.push({ path: pathText(pathOf(nodes)), message, line: lineAt(startOf(place) ?? 0) });
  visit(document, (_, node, ancestors) => {
    if (isAlias(node)) {
      // The fault does not repeat the name, because a secret that begins with * looks like an alias.
      if (!anchors.has(node.source)) add([...ancestors, node], 'the alias refers to no earlier anchor', node);
      return;
    }
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) anchors.add(node.anchor);
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = keyText(pair);
      if (seen.has(key)) add([...ancestors, node, pair], 'the key is given twice', pair.key);
      if (key === '__proto__') add([...ancestors, node, pair], 'is not allowed as a key', pair.key);
      seen.add(key);
    }
  });
  return faults;
}

/** Reads a YAML 1.2 text, which must contain exactly one document, a mapping. Never throws. */
export function readDocument(text: string): DocumentRead {
  const lines = new LineCounter();
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const failed = (message: string, offset = 0): DocumentRead => ({
    ok: false,
    faults: [{ path: '', message, line: lineAt(offset) }],
  });

  // Duplicate keys are found in `oddities`, because the parser compares every key with every other.
  const options = { lineCounter: lines, uniqueKeys: false, stringKeys: true };
  const [document, second] = parseAllDocuments(text, options);
  if (document === undefined) return failed('the file is empty');
  if (second !== undefined)
    return failed('contains several YAML documents, but only one is allowed', second.range[0]);

  const problems = [...document.errors, ...document.warnings];
  const overflow = problems.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (overflow !== undefined) return failed('is nested too deeply', overflow.pos[0]);
  if (problems.length > 0) {
    const faults = problems.map(({ code, message, pos: [offset] }) => ({
      path: '',
      message: MESSAGES[code] ?? firstLine(message),
      line: lineAt(offset),
    }));
    return { ok: false, faults };
  }

  const { contents } = document;
  if (isScalar(contents) && contents.value === null) return failed('the file is empty');
  if (!isMap(contents)) return failed('must be a mapping of keys to values', startOf(contents));
  const faults = oddities(document, lineAt);
  try {
    const value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT }) as object;
    const located = ({ path, message }: Finding) => ({
      path: pathText(path),
      message,
      line: lineAt(offsetOf(document, path)),
    });
    return { ok: true, value, faults, located };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    // An alias without an anchor, which is among the faults already, or aliases that multiply.
    return faults.length > 0 ? { ok: false, faults } : failed('its aliases expand to too much');
  }
}
