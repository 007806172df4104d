import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Found } from '@bailiwick/authority/matching/catalog/compile';
import type { Facts } from '@bailiwick/authority/matching/catalog/facts';
import type { VerbFacts } from '@bailiwick/authority/matching/verbs/verb-meaning';
import * as tables from '@bailiwick/authority/matching/verbs/verb-words';
import { RISKS } from '@bailiwick/contracts/grants/grant';
import { policySchema } from '@bailiwick/contracts/policy/policy-bundle';
import { itWithShared } from '../../../test/support/shared';
import { checkDefaultBundle, readDefaultBundle } from './default-bundle';
import { DEFAULT_BUNDLE as READ, DEFAULT_CATALOG } from './default-catalog';
import { problemText } from './problem';
import { runPolicyTests } from './rehearsal/run-policy-tests';
import { formerly } from './testing/former-catalog';
import { RECORDED_TOOLS, SERVER_TOOLS } from './testing/reviewed-tools';

const DEFAULT_BUNDLE = checkDefaultBundle();
const entries = DEFAULT_BUNDLE.value.catalog ?? [];
const exact = entries.flatMap(({ match = [] }) => match).filter((pattern) => !pattern.includes('*'));

describe('the default policy bundle', () => {
  it('passes its tests', () => {
    expect(DEFAULT_BUNDLE.tests.length).toBeGreaterThan(70);
    expect(runPolicyTests(DEFAULT_BUNDLE).map(problemText)).toEqual([]);
  });

  it('is what the services read; after a change of its files run `npm run default-policy`', () => {
    const { value, canonical, digest } = DEFAULT_BUNDLE;
    expect({ value, canonical, digest }).toEqual({
      value: READ.value,
      canonical: READ.canonical,
      digest: READ.digest,
    });
  });

  it('has words for people and at least one pattern or tool in each entry', () => {
    expect(entries.filter(({ words }) => words === undefined)).toEqual([]);
    expect(entries.length).toBeGreaterThan(140);
  });

  it('describes each entry by what follows "may"', () => {
    for (const { words = '' } of entries) expect(words).toMatch(/^[a-z]/);
  });

  it('has the stages draft and propose only for what sends nothing', () => {
    const early = entries.filter(({ stage }) => stage !== undefined && stage !== 'execute');
    expect(early.length).toBeGreaterThan(8);
    for (const { effects } of early) expect(effects).toEqual(['write']);
  });

  it('names each verb that undoes another in an entry or by its words', () => {
    const undo = entries.flatMap(({ reversible }) => (typeof reversible === 'string' ? [reversible] : []));
    expect(undo.length).toBeGreaterThan(2);
    for (const verb of undo) expect([verb, DEFAULT_CATALOG.lookup(verb).classified]).toEqual([verb, true]);
  });

  it('covers noun.verb and verb_noun alike', () => {
    const two = exact.filter((verb) => /^[a-z]+\.[a-z]+$/.test(verb));
    expect(two.length).toBeGreaterThan(300);
    for (const verb of two) {
      const [noun, operation] = verb.split('.') as [string, string];
      const camel = `${operation}${noun[0]?.toUpperCase() ?? ''}${noun.slice(1)}`;
      for (const other of [`${operation}_${noun}`, `${operation}-${noun}`, camel, `${noun}_${operation}`]) {
        const found = DEFAULT_CATALOG.lookup(other);
        expect([other, found.entry?.words]).toEqual([other, DEFAULT_CATALOG.lookup(verb).entry?.words]);
        expect([other, milder(DEFAULT_CATALOG.lookup(verb).facts, found.facts)]).toEqual([other, []]);
      }
    }
  });
});

/** Returns in what `now` is milder than `before`. */
function milder(before: VerbFacts, now: VerbFacts): string[] {
  const lost = (which: 'effects' | 'labels') =>
    (before[which] as string[]).filter((each) => !(now[which] as string[]).includes(each));
  return [
    ...lost('effects'),
    ...lost('labels'),
    ...(RISKS.indexOf(now.risk) < RISKS.indexOf(before.risk) ? [before.risk] : []),
  ];
}

const byEntry = ({ by }: Found): boolean => by === 'exact' || by === 'words';

describe('the default catalog, compared with the table before it', () => {
  const words = [
    ...new Set(Object.values(tables).flatMap((each) => (each instanceof Set ? ([...each] as string[]) : []))),
  ];
  const pairs = words.flatMap((one, i) =>
    words.filter((_, j) => (i * 31 + j) % 19 === 0).flatMap((other) => [`${one}.${other}`, `${other}_${one}`]),
  );

  it('states the same about each verb for which it has no new entry, or more', () => {
    let same = 0;
    for (const verb of pairs) {
      const [before, now] = [formerly(verb), DEFAULT_CATALOG.lookup(verb)];
      if (byEntry(now)) continue;
      expect([verb, milder(before.facts, now.facts)]).toEqual([verb, []]);
      const more = milder(now.facts, before.facts);
      if (more.length > 0) expect(verb).toMatch(/^(terminal|bash)\./);
      else same += 1;
    }
    expect(same).toBeGreaterThan(10_000);
  });

  it('is milder only where an entry states what is known, and only as reviewed', () => {
    const found: Record<string, Set<string>> = {};
    for (const verb of exact) {
      const now = DEFAULT_CATALOG.lookup(verb);
      for (const each of milder(formerly(verb).facts, now.facts))
        (found[now.entry?.words ?? ''] ??= new Set()).add(each);
    }
    const listed = Object.entries(found).map(([entry, lost]): [string, string] => [entry, [...lost].sort().join(' ')]);
    const unreviewed = listed.filter(([entry, lost]) => MILDER[entry] !== lost);
    expect(unreviewed).toEqual([]);
    expect(Object.keys(MILDER).filter((entry) => found[entry] === undefined)).toEqual([]);
  });
});

/**
 * By the words of an entry: the effects, labels and risks that its verbs had in doubt, before an entry stated what is
 * known about them. `write` is lost where another effect takes its place, or where the verb only reads.
 */
const MILDER: Readonly<Record<string, string>> = {
  'give a key access': 'may:exec',
  'create and change issues and tickets': 'may:exec',
  'create and change tasks': 'may:exec may:send',
  'draft an answer, which is not sent': 'external may:exec may:send',
  'create and change data about customers': 'may:exec',
  'export data about people': 'may:exec may:send write',
  'delete data about customers': 'may:exec may:send',
  'change who may do what': 'may:exec',
  'take access away from people': 'may:exec',
  'create and change documents that others may read': 'may:exec',
  'draft a document, which is not published': 'external may:exec may:send',
  'put a change before the people who decide': 'fetch:unnamed may:exec untrusted',
  'execute code or commands': 'may:exec may:send write',
  'install software, which executes code of others': 'may:exec may:send write',
  'start a build or a pipeline': 'may:exec may:send write',
  'cancel a build or a pipeline': 'may:exec may:send',
  'deploy a service': 'may:exec may:send write',
  'return to an earlier version of a service': 'may:exec may:send write',
  'read logs and metrics': 'fetch:unnamed may:exec may:send medium write',
  'delete what runs or is stored in the cloud': 'may:exec may:send',
  'execute something in the cloud': 'may:exec may:send write',
  'apply a change of the infrastructure': 'may:exec may:send write',
  'destroy infrastructure': 'may:exec may:send write',
  'change how systems are reached from outside': 'may:exec may:send write',
  'copy and move files': 'may:exec may:send',
  'read files': 'may:exec may:send medium write',
  'give people access to files': 'write',
  'download files': 'may:exec may:send',
  'open pull requests': 'fetch:unnamed may:exec untrusted',
  'merge changes': 'fetch:unnamed untrusted',
  'comment where others read it': 'fetch:unnamed may:exec may:send untrusted write',
  'read repositories': 'may:exec may:send medium write',
  'read pull requests': 'fetch:unnamed',
  'change a local repository': 'may:exec may:send',
  'fetch repositories of others': 'may:exec may:send',
  'push commits to where others read them': 'write',
  'copy a repository to another owner': 'may:exec may:send write',
  'give others access to repositories': 'write',
  'publish releases': 'may:exec may:send write',
  'change the structure of databases': 'may:send',
  'export the content of databases': 'may:exec',
  'read what it noted before': 'fetch:unnamed may:exec may:send medium untrusted write',
  'note something for later': 'may:exec may:send',
  'send an email to people outside': 'may:exec may:send write',
  'draft an email, which is not sent': 'external may:exec may:send',
  'put an email before a person, who may send it': 'external may:exec may:send',
  'sort email': 'external',
  'delete email': 'may:exec may:send',
  'let email be sent on from now on': 'may:exec may:send write',
  'read messages': 'external may:exec may:send medium write',
  'list channels and people': 'may:exec may:send medium write',
  'draft a message, which is not sent': 'may:exec may:send',
  'create and change channels': 'may:exec',
  'give people access to conversations': 'may:exec may:send write',
  'create and change events; people may be notified': 'may:exec',
  'invite people to events': 'may:exec may:send write',
  'cancel events; the people invited are notified': 'may:exec may:send write',
  'move money': 'may:exec may:send write',
  'prepare an order, an invoice or a quote': 'may:exec may:send',
  'put a purchase or an expense before the people who decide': 'external may:exec pays',
  'send an invoice or a quote': 'may:exec may:send write',
  'create and change invoices and quotes': 'may:exec',
  'read accounts, invoices and orders': 'external medium',
  'order something that costs money': 'may:exec may:send write',
  'cancel an order or a subscription': 'may:exec may:send write',
  'book something with another company': 'may:exec may:send write',
  'change or cancel a booking': 'may:exec may:send write',
  'open and read pages in a browser': 'may:exec may:send medium write',
  'click and type in a browser, which may submit forms': 'may:exec may:send read write',
  'execute scripts in a browser': 'may:exec write',
};

describe('a tool of a recorded run, or of a public MCP server', () => {
  const line = (tool: string): string => {
    const { by, entry, facts } = DEFAULT_CATALOG.lookup(tool);
    return [by, entry?.words ?? '', facts.effects.join('+'), facts.risk, [...facts.labels].sort().join(' ')].join(
      ' | ',
    );
  };

  it.each(Object.entries({ ...RECORDED_TOOLS, ...SERVER_TOOLS }))('%s: %s', (tool, reviewed) => {
    expect(line(tool)).toBe(reviewed);
  });

  it('is no read if it sends, pays, executes or deletes', () => {
    const acts =
      /(^|[_-])(send|post|push|share|invite|pay|transfer|schedule|reserve|delete|remove|cancel|run|execute|evaluate|update|create|add|write|append|click|fill|change|reschedule)([_-]|$)/;
    const acting = Object.keys({ ...RECORDED_TOOLS, ...SERVER_TOOLS }).filter((tool) => acts.test(tool));
    expect(acting.length).toBeGreaterThan(50);
    const reads = acting.filter((tool) => isRead(DEFAULT_CATALOG.lookup(tool).facts));
    expect(reads.filter((tool) => tool !== 'click_the_link')).toEqual([]);
  });

  const isRead = ({ effects }: Facts): boolean => effects.every((each) => each === 'read');

  itWithShared('data/agentdojo.jsonl.gz', 'is in the reviewed table, for each tool of AgentDojo', (path) => {
    expect([...toolsOf(path)].filter((tool) => !Object.hasOwn(RECORDED_TOOLS, tool))).toEqual([]);
  });
  itWithShared('data/agentdyn-github.jsonl.gz', 'is in the reviewed table, for each tool of AgentDyn', (path) => {
    expect([...toolsOf(path)].filter((tool) => !Object.hasOwn(RECORDED_TOOLS, tool))).toEqual([]);
  });
});

function toolsOf(path: string): Set<string> {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n');
  return new Set(
    lines.flatMap((text) => (JSON.parse(text) as { calls: { tool: string }[] }).calls.map(({ tool }) => tool)),
  );
}

describe('the JSON Schema of a policy bundle', () => {
  const schema = policySchema();

  it('is closed, named, and of draft 2020-12', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://bailiwick.dev/schemas/policy-v1.json',
      type: 'object',
      additionalProperties: false,
    });
  });

  it('describes each member of an entry and of a test, for editors', () => {
    const { catalog, rules, approvals, tests } = schema.properties as Record<
      string,
      { items: { properties: Record<string, { description?: string }> } }
    >;
    for (const section of [catalog, rules, approvals, tests])
      for (const [name, member] of Object.entries(section?.items.properties ?? {}))
        expect([name, typeof member.description]).toEqual([name, 'string']);
  });

  it('is named by the files of the default bundle', () => {
    for (const text of Object.values(readDefaultBundle()))
      expect(text).toContain('$schema=https://bailiwick.dev/schemas/policy-v1.json');
  });
});
