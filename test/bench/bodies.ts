import { LIMITS } from '@bailiwick/core/limits';
import { EndpointRegistry } from '../../apps/gateway/src/http/endpoints/endpoint-registry';
import { FastPath } from '../../apps/gateway/src/fast-path/fast-path';
import type { Incoming } from '../../apps/gateway/src/http/request-context';
import { busThat } from '../../apps/gateway/src/testing/bus';
import { keyOf, makeGateway } from '../../apps/gateway/src/testing/gateway';
import { samples } from '../http/bodies';
import type { Opened } from '../http/world';

/**
 * Measures how long the gateway's only thread needs for one body of the maximum size, for every route that takes JSON:
 * parsing, schemas, digests, redaction, and all other work until a command is sent to its owner. Replaces each member
 * of a valid body in turn by each of the values that are costly to process.
 * Run: `node --require ./test/support/register.cjs test/bench/bodies.ts`
 */
const ROOM = LIMITS.httpBodyBytes - 4_096;
const fill = (part: string): string => part.repeat(Math.floor(ROOM / part.length));
const members = (name: (i: number) => string, value: string, each: number): string =>
  `{${Array.from({ length: Math.floor(ROOM / each) }, (_, i) => `${JSON.stringify(name(i))}:${value}`).join(',')}}`;
const list = (part: string): string => `[${fill(`${part},`).slice(0, -1)}]`;
const long = (part: string): string =>
  JSON.stringify(part.repeat(Math.floor((ROOM / JSON.stringify(part).length) * 0.9)));

/** JSON texts, since some of them cannot be represented as values. */
const HOSTILE: Record<string, string> = {
  'arrays, nested': fill('[').slice(0, ROOM / 2) + fill(']').slice(0, ROOM / 2),
  'objects, nested': `${'{"a":'.repeat(ROOM / 6)}1${'}'.repeat(ROOM / 6)}`,
  'many, nested to the accepted depth': list(`${'['.repeat(20)}${']'.repeat(20)}`),
  'members, many': members((i) => `k${i}`, '0', 12),
  'members, secret by name': members((i) => `password${i}`, '"x"', 22),
  'members that are long': members((i) => `${'k'.repeat(900)}${i}`, '0', 920),
  'empty strings': list('""'),
  'empty objects': list('{}'),
  'objects of one member': list('{"type":"a","match":"b"}'),
  numbers: list('0.1'),
  'numbers with exponents': list('1e300'),
  'one number of many digits': `1${fill('0')}`,
  'one number of many decimals': `0.${fill('3')}`,
  'a string of letters': long('a'),
  'of capitals': long('A'),
  'of escapes': `"${fill('\\u0000')}"`,
  'of backslashes': long('\\'),
  'of quotes': long('"'),
  'of slashes': long('/'),
  'of dots': long('.'),
  'of stars': long('*'),
  'of stars and slashes': long('**/'),
  'of stars and segments': long('*a/'),
  'of segments': long('a.'),
  'of spaces': long(' '),
  'of spaces and letters': long('a  '),
  'of percent signs': long('%'),
  'of percent encodings': long('%2525'),
  'of braces': long('{a,'),
  'of brackets': long('[('),
  'of full-width letters': long('\uff41'),
  'of ligatures that become long': long('\ufdfa'),
  'of combining marks': long('a\u0301\u0316'),
  'of marks alone, out of order': long('\u0316\u0301'),
  'of Cyrillic and Latin': long('a\u043e '),
  'of invisible characters': long('\u200b'),
  'of emoji': long('\u{1f600}'),
  'of headers of private keys': long('-----BEGIN A PRIVATE KEY-----'),
  'of tokens': long('token='),
  'of assignments': long('A_KEY ='),
  'of URLs': long('://a:'),
  'of bearer tokens': long('bearer '),
  'of eyJ': long('eyJ.'),
  'of digits': long('1'),
  'of durations': long('1h'),
  'strings of one verb each': list('"a.b"'),
  'strings, all different': `[${Array.from({ length: ROOM / 12 }, (_, i) => `"v${i}"`).join(',')}]`,
};

const MARK = '"\u0001here"';
type Json = Record<string, unknown>;
/** Returns a copy of the body for each of its members, with a mark in place of the member. */
function marked(body: unknown): [string, string][] {
  const out: [string, string][] = [['', MARK]];
  const walk = (value: unknown, at: string, whole: (inner: unknown) => unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value as Json)) {
      const put = (inner: unknown): unknown =>
        whole(
          Array.isArray(value)
            ? value.map((old: unknown, i) => (String(i) === key ? inner : old))
            : { ...value, [key]: inner },
        );
      const text = JSON.stringify(put('\u0001here')).replace(JSON.stringify('\u0001here'), MARK);
      out.push([`${at}.${key}`, text]);
      walk(each, `${at}.${key}`, put);
    }
  };
  walk(body, '', (inner) => inner);
  return out;
}

const id = (kind: string): string => `${kind}_0_${'0'.repeat(25)}3`;
const DENIED = { ok: true, value: { decision: 'deny', reasons: [], remaining: {} } };
const { bus } = busThat((_subject, { commands }: { commands?: unknown[] }) => ({
  value: commands ? { answers: commands.map(() => DENIED) } : DENIED,
}));

async function main(): Promise<void> {
  const opened = { runId: id('run'), grantId: id('grt'), treeId: id('tre') } as unknown as Opened;
  const known = samples(opened, id('act'), id('apr'));
  const evaluation = {
    subject: { type: 'grant', id: id('grt'), properties: {} },
    action: { name: 'repo.read', properties: { args: { a: 'x' }, tool: 'git' } },
    resource: { type: 'repo', id: 'x', properties: { a: 'x' } },
    context: { cost: { USD: 1 }, labels: ['x'], dryRun: true },
  };
  const found: { ms: number; path: string; at: string; value: string; status: number }[] = [];
  const app = await makeGateway({ bus });
  const fastPath = app.get(FastPath);
  for (const route of app.get(EndpointRegistry).endpoints) {
    if (route.method === 'GET' || route.takesText !== undefined || route.roles === 'public') continue;
    if (process.env.ROUTE !== undefined && route.path !== process.env.ROUTE) continue;
    const pattern = new RegExp(
      `^${route.path.replaceAll('::', '\0').replace(/:\w+/g, '[^/]+').replaceAll('\0', ':')}$`,
    );
    const sample = known.find(({ path }) => pattern.test(path))?.body;
    const plain = route.path.startsWith('/access/')
      ? { ...evaluation, evaluations: [evaluation] }
      : { subject: 'x', reason: 'x' };
    const [role = 'admin'] = route.roles;
    const url = route.path.replaceAll('::', '\0').replace(/:\w+/g, id('grt')).replaceAll('\0', ':');
    const params = Object.fromEntries(
      [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => [
        name,
        /runs/.test(url) ? id('run') : /actions/.test(url) ? id('act') : /approvals/.test(url) ? id('apr') : id('grt'),
      ]),
    );
    for (const [at, text] of marked(sample ?? plain)) {
      for (const [value, hostile] of Object.entries(HOSTILE)) {
        const body = Buffer.from(text.replace(MARK, () => hostile));
        if (body.length > LIMITS.httpBodyBytes) {
          process.stderr.write(`skipped, too long: ${value}\n`);
          continue;
        }
        const request = {
          method: route.method,
          url,
          headers: { authorization: `Bearer ${keyOf(role)}` },
          params,
          query: {},
          body,
          raw: {},
        };
        const start = performance.now();
        const { status } = await fastPath.answer(route, request as unknown as Incoming);
        const ms = performance.now() - start;
        found.push({ ms, path: route.path, at, value, status });
      }
    }
  }
  await app.close();
  found.sort((a, b) => b.ms - a.ms);
  console.log(
    `${found.length} bodies of ${LIMITS.httpBodyBytes} bytes; over 50 ms: ${found.filter(({ ms }) => ms > 50).length}; the slowest:`,
  );
  for (const { ms, path, at, value, status } of found.slice(0, Number(process.env.ROWS ?? 25)))
    console.log(`${ms.toFixed(1).padStart(8)} ms  ${status}  ${path}  ${at || 'the body'}: ${value}`);
}

void main();
