import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../json-text';
import { NotAMessage, type AgentMessage } from './message';

/** Revisions of MCP with sessions, newest first; the boundary opens none. */
const WITH_INITIALIZE = ['2025-11-25', '2025-06-18'];
/** The revision in which each request states its revision and capabilities. */
export const STATELESS = '2026-07-28';
export const SUPPORTED = [STATELESS, ...WITH_INITIALIZE];

const VERSION = 'io.modelcontextprotocol/protocolVersion';
export const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/** Errors that the revision 2026-07-28 reserves. */
const HEADER_MISMATCH = -32020;
const UNSUPPORTED_VERSION = -32022;

/**
 * Returns the revision of a message. Decisions are made on the body alone; headers that state something else are refused,
 * so that no component in front of this one saw another call.
 * @throws NotAMessage
 */
export function revisionOf({ method, params }: AgentMessage, headers: IncomingHttpHeaders): string {
  const { _meta: meta } = params;
  const stated = isObject(meta) ? meta[VERSION] : undefined;
  const header = headers['mcp-protocol-version'];
  if (stated === undefined) {
    if (header === STATELESS) throw new NotAMessage(400, -32602, `params._meta has no ${VERSION}`);
    if (header !== undefined && !WITH_INITIALIZE.includes(String(header))) throw unsupported(String(header));
    compareIfPresent('mcp-method', headers, method);
    compareIfPresent('mcp-name', headers, nameOf(method, params));
    return String(header ?? WITH_INITIALIZE[0]);
  }
  if (header !== undefined && header !== stated)
    throw mismatch('mcp-protocol-version states something else than the body');
  if (stated !== STATELESS) throw unsupported(typeof stated === 'string' ? stated : 'of another type');
  if (!isObject((meta as Record<string, unknown>)[CAPABILITIES]))
    throw new NotAMessage(400, -32602, `params._meta has no ${CAPABILITIES}`);
  compare('mcp-protocol-version', headers, stated);
  compare('mcp-method', headers, method);
  const name = nameOf(method, params);
  if (name !== undefined) compare('mcp-name', headers, name);
  return STATELESS;
}

/** Returns the revision in which `initialize` is answered. */
export const negotiated = (asked: unknown): string =>
  WITH_INITIALIZE.find((each) => each === asked) ?? (WITH_INITIALIZE[0] as string);

function nameOf(method: string, { name, uri }: Record<string, unknown>): string | undefined {
  if (method === 'tools/call' || method === 'prompts/get') return String(name);
  return method === 'resources/read' ? String(uri) : undefined;
}

function compareIfPresent(header: string, headers: IncomingHttpHeaders, value: string | undefined): void {
  if (headers[header] !== undefined) compare(header, headers, value);
}

function compare(header: string, headers: IncomingHttpHeaders, value: string | undefined): void {
  const stated = headers[header];
  if (typeof stated !== 'string') throw mismatch(`the header ${header} is missing or repeated`);
  if (decoded(stated) !== value) throw mismatch(`the header ${header} states something else than the body`);
}

/** Values that are no printable ASCII are encoded `=?base64?…?=`. */
export function decoded(value: string): string | undefined {
  const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined;
}

/** A header states something else than the body. */
export const mismatch = (why: string): NotAMessage => new NotAMessage(400, HEADER_MISMATCH, why);
const unsupported = (version: string): NotAMessage =>
  new NotAMessage(400, UNSUPPORTED_VERSION, `Unsupported protocol version ${version.slice(0, 40)}`, {
    supported: SUPPORTED,
    requested: version.slice(0, 40),
  });
