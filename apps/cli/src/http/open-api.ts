import { foreignInName } from '@bailiwick/authority/matching/foreign-syntax';
import { parseExactly } from '@bailiwick/core/json';

/** Maxima of an OpenAPI document. */
const MOST = { characters: 8_000_000, operations: 2_000, levels: 200 };

/** An operation of an HTTP API, as its document states it. */
export interface Operation {
  /** upper case */
  readonly method: string;
  /** with parameters in braces, such as `/customers/{id}` */
  readonly path: string;
  readonly name: string | undefined;
}

export interface OpenApi {
  readonly operations: readonly Operation[];
  /** what was left out, and why */
  readonly left: readonly string[];
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];
type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the operations of an OpenAPI 3 document, in JSON or YAML. Nothing outside of it is read: a path that refers to
 * another document is left out.
 * @throws Error naming what is wrong with the document
 */
export async function readOpenApi(text: string): Promise<OpenApi> {
  if (text.length > MOST.characters) throw new Error(`the document is longer than ${MOST.characters} characters`);
  const document = text.trimStart().startsWith('{') ? parseExactly(text) : await readYamlDocument(text);
  if (!isObject(document) || !/^3\.\d+\.\d+/.test(String(document.openapi)))
    throw new Error('the document is no OpenAPI 3 document: it has no openapi: 3.x.y');
  if (!isObject(document.paths)) throw new Error('the document has no paths');
  const operations: Operation[] = [];
  const left: string[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    const of = resolved(document, item);
    const why = of === undefined ? 'it is defined elsewhere' : faultOfPath(path);
    if (why !== undefined || of === undefined) {
      left.push(`${JSON.stringify(path.slice(0, 200))}: ${why ?? ''}`);
      continue;
    }
    for (const method of METHODS) {
      const operation = of[method];
      if (!isObject(operation)) continue;
      if (operations.length >= MOST.operations)
        throw new Error(`the document has more than ${MOST.operations} operations`);
      const { operationId: id } = operation;
      operations.push({
        method: method.toUpperCase(),
        path,
        name: typeof id === 'string' && id !== '' ? id : undefined,
      });
    }
  }
  return { operations, left };
}

/** Follows a reference within the document, once. */
function resolved(document: Json, item: unknown): Json | undefined {
  if (!isObject(item)) return undefined;
  if (item.$ref === undefined) return item;
  const [, name] = /^#\/components\/pathItems\/([^/]+)$/.exec(typeof item.$ref === 'string' ? item.$ref : '') ?? [];
  const items = isObject(document.components) ? document.components.pathItems : undefined;
  const of = name !== undefined && isObject(items) && Object.hasOwn(items, name) ? items[name] : undefined;
  return isObject(of) && of.$ref === undefined ? of : undefined;
}

/** A path must be one that the boundary reads as a route. */
function faultOfPath(path: string): string | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(path) || path.length > 150)
    return 'it has characters that a path does not have, or is too long';
  const wrong = path
    .slice(1)
    .split('/')
    .find(
      (each, i, all) =>
        !/^(\{[A-Za-z_][\w-]{0,63}\}|[^{}*?#%;:][^{}*?#%;]*)$/.test(each) && !(each === '' && i === all.length - 1),
    );
  if (wrong !== undefined) return `${JSON.stringify(wrong)} is neither a name nor one parameter`;
  return foreignInName(path.replace(/\{([^{}]*)\}/g, ':$1'));
}

/** An alias could make a small document any size, so there is none. */
async function readYamlDocument(text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  if (/^ {200,}\S/m.test(text)) throw new Error(`the document has more than ${MOST.levels} levels`);
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    prettyErrors: true,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error) throw new Error(`the document is not valid YAML: ${error.message.slice(0, 500)}`);
  return document.toJS({ maxAliasCount: 0 }) as unknown;
}
