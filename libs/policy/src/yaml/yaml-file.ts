import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  type CST,
  type Document,
  type Node,
} from 'yaml';
import { LIMITS } from '@bailiwick/core/limits';
import type { Problem } from '../problem';

export type Path = readonly (string | number)[];

/** A file of a bundle as a plain value, with the place of each of its parts. */
export interface YamlFile {
  readonly file: string;
  /** undefined if the file has problems */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Returns a problem at a member, or at the nearest part around it that exists. */
  problemAt(
    path: Path,
    message: string,
    more?: {
      readonly suggestion?: string | undefined;
      readonly name?: boolean;
      /** a UTF-16 offset in the text at the path, at which the problem is */
      readonly within?: number | undefined;
    },
  ): Problem;
}

/** YAML 1.2, core schema. Duplicate names are found here, in linear time, and not by the parser. */
const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  strict: true,
  uniqueKeys: false,
  prettyErrors: false,
  resolveKnownTags: false,
  logLevel: 'silent',
} as const;

const NOT_PLAIN = 'write the value itself: policy files have no anchors, aliases, tags or merge keys';

/**
 * Reads one YAML document made of mappings, lists, texts, numbers, booleans and nulls. Everything with which a file could
 * mean something else than it shows, or grow when it is read, is a problem.
 */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const problem = (offset: number, message: string, path: Path = [], suggestion?: string): Problem => {
    const { line, col } = lines.linePos(offset);
    const place = { file, line: Math.max(line, 1), column: Math.max(col, 1) };
    return { ...place, path: path.join('.'), message, ...(suggestion === undefined ? {} : { suggestion }) };
  };
  const document = compose(text, lines, (offset, message) => problems.push(problem(offset, message)));
  const root = document?.contents ?? undefined;
  const reader = new Reader((offset, message, path) => problems.push(problem(offset, message, path)));
  const value = root && problems.length === 0 ? reader.valueOf(root, []) : undefined;
  return {
    file,
    value: problems.length === 0 ? value : undefined,
    problems,
    problemAt: (path, message, { suggestion, name = false, within } = {}) =>
      problem(
        (within === undefined ? undefined : offsetInText(nodeAt(root, path), text, within)) ??
          offsetOf(root, path, name),
        message,
        path,
        suggestion,
      ),
  };
}

function compose(
  text: string,
  lines: LineCounter,
  report: (offset: number, message: string) => void,
): Document | undefined {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  for (const token of tokens) {
    if (token.type === 'directive')
      report(token.offset, `the directive ${token.source.trim()} is not read; leave it out`);
    const deep = tooDeep(token);
    if (deep !== undefined) report(deep, `is nested deeper than ${LIMITS.policy.depth} levels`);
    if (deep !== undefined) return undefined;
  }
  const [document, second] = [...new Composer(OPTIONS).compose(tokens)];
  // the reader reports each tag, also one that nothing defines
  for (const { pos, code, message } of document?.errors ?? [])
    if (code !== 'TAG_RESOLVE_FAILED') report(pos[0], message.replace(/\s+/g, ' ').trim());
  if (second) report(second.range[0], 'starts a second document; write one document per file');
  return document;
}

/** Finds a collection below too many others, without recursion, before the parser resolves it with recursion. */
function tooDeep(token: CST.Token): number | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [{ token, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token: each, depth } = next;
    if (depth > LIMITS.policy.depth) return each.offset;
    if (each.type === 'document' && each.value) open.push({ token: each.value, depth });
    if (!('items' in each)) continue;
    for (const { key, value } of each.items) {
      if (key) open.push({ token: key, depth: depth + 1 });
      if (value) open.push({ token: value, depth: depth + 1 });
    }
  }
  return undefined;
}

/** Converts nodes to plain values. */
class Reader {
  private values = 0;
  constructor(private readonly report: (offset: number, message: string, path: Path) => void) {}

  valueOf(node: Node, path: Path): unknown {
    const refuse = (message: string): undefined => {
      this.report(node.range?.[0] ?? 0, message, path);
    };
    this.values += 1;
    if (this.values === LIMITS.policy.values + 1) refuse(`more than ${LIMITS.policy.values} values in one file`);
    if (this.values > LIMITS.policy.values) return undefined;
    if (isAlias(node)) return refuse(`*${node.source} is an alias; ${NOT_PLAIN}`);
    if (node.anchor !== undefined) return refuse(`&${node.anchor} is an anchor; ${NOT_PLAIN}`);
    if (node.tag !== undefined) return refuse(`${node.tag} is a tag; ${NOT_PLAIN}`);
    if (isSeq(node)) return node.items.map((each, i) => this.valueOf(each as Node, [...path, i]));
    if (isMap(node)) return this.membersOf(node.items as readonly Member[], path);
    if (!isScalar(node)) return refuse('is no value that a policy file may have');
    const { value } = node;
    if (
      typeof value === 'number' &&
      (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    )
      return refuse(
        `${node.source ?? 'the number'} is a number that cannot be kept exactly; write it in quotes if it is a text`,
      );
    if (typeof value === 'string' && !value.isWellFormed()) return refuse('has half of a character (a lone surrogate)');
    return value;
  }

  private membersOf(items: readonly Member[], path: Path): Record<string, unknown> {
    const members = new Map<string, unknown>();
    for (const { key, value } of items) {
      const refuse = (message: string): void => this.report(key.range?.[0] ?? 0, message, path);
      if (isAlias(key) || key.anchor !== undefined || key.tag !== undefined)
        refuse(`a name is written plainly; ${NOT_PLAIN}`);
      else if (!isScalar(key) || typeof key.value !== 'string')
        refuse('a name must be a text; write it in quotes if it reads as a number, true, false or null');
      else if (key.value === '<<') refuse(`<< is a merge key; ${NOT_PLAIN}`);
      else if (key.value === '__proto__' || !key.value.isWellFormed())
        refuse(`${JSON.stringify(key.value)} cannot be a name`);
      else if (members.has(key.value)) refuse(`${key.value} occurs twice; keep one`);
      else members.set(key.value, value === null ? null : this.valueOf(value, [...path, key.value]));
    }
    return Object.fromEntries(members);
  }
}
interface Member {
  readonly key: Node;
  readonly value: Node | null;
}

/** Returns the offset of a part, or of its name; of the nearest part around it if it does not exist. */
function offsetOf(root: Node | undefined, path: Path, name: boolean): number {
  let node = root;
  let offset = startOf(root);
  for (const [i, step] of path.entries()) {
    const isLast = i === path.length - 1;
    if (isSeq(node) && typeof step === 'number') node = node.items[step] as Node | undefined;
    else if (isMap(node)) {
      const pair = (node.items as readonly Member[]).find(({ key }) => isScalar(key) && key.value === step);
      if (pair && (pair.value === null || (isLast && name))) return startOf(pair.key);
      node = pair?.value ?? undefined;
    } else node = undefined;
    if (node === undefined) return offset;
    offset = startOf(node);
  }
  return offset;
}

/** Returns the node at a path, if it exists. */
function nodeAt(root: Node | undefined, path: Path): Node | undefined {
  let node = root;
  for (const step of path)
    if (isSeq(node) && typeof step === 'number') node = node.items[step] as Node | undefined;
    else if (isMap(node))
      node =
        (node.items as readonly Member[]).find(({ key }) => isScalar(key) && key.value === step)?.value ?? undefined;
    else return undefined;
  return node;
}

/**
 * Returns the offset in the file of an offset in a text, if the text is a literal block (`|`) or is in one line without
 * escapes; undefined otherwise.
 */
function offsetInText(node: Node | undefined, file: string, within: number): number | undefined {
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined;
  const { value } = node;
  const start = node.range[0];
  if (node.type !== 'BLOCK_LITERAL') {
    const quote = node.type === 'PLAIN' ? 0 : 1;
    return file.startsWith(value, start + quote) && !value.includes('\n') ? start + quote + within : undefined;
  }
  const before = value.slice(0, within).split('\n');
  let line = file.indexOf('\n', start) + 1;
  for (let i = 1; i < before.length && line > 0; i++) line = file.indexOf('\n', line) + 1;
  if (line === 0) return undefined;
  const [end, own] = [file.indexOf('\n', line), value.split('\n')[before.length - 1] as string];
  const written = file.slice(line, end < 0 ? undefined : end).replace(/\r$/, '');
  if (!written.endsWith(own)) return undefined;
  return line + written.length - own.length + (before[before.length - 1] as string).length;
}

const startOf = (node: Node | undefined): number => node?.range?.[0] ?? 0;
