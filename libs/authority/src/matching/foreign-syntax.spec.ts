import fc from 'fast-check';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { matchesPath, normalizePathPattern, normalizeResourceId } from './pattern';
import { act, delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';

fc.configureGlobal({ seed: 20260101 });

const open = (grant: GrantRequest) =>
  new TestLog().try('openRun', {
    agent: { class: 'worker' },
    principalRef: REF,
    purposeRef: REF,
    grant: { ...ROOMY, ...grant },
  });
const refusalOf = (result: ReturnType<TestLog['try']>) => ('refusal' in result ? result.refusal : undefined);

describe('a resource pattern in the notation of another language', () => {
  it.each<[string, RegExp]>([
    ['!src/secret/**', /exclusion.*"except"/],
    ['src/!secret/**', /negation.*"except"/],
    ['src/!(secret)/**', /extended glob/],
    ['-src/secret', /exclusion/],
    [':!src/secret', /exclusion/],
    [':(exclude)src/secret', /exclusion/],
    ['not src/secret', /exclusion/],
    ['except:src/secret', /exclusion/],
    ['\uff01src/secret', /exclusion/],
    ['^src/secret', /exclusion/],
    ['src/[^s]ecret', /negation/],
    ['src/[!s]', /negation/],
    ['src/{a,b}', /braces.*one selector for each/],
    ['src/{1..9}', /braces/],
    ['repos/{owner}/{repo}', /braces/],
    ['src/\uff5ba,b\uff5d', /braces/],
    ['src/?', /stands for no character/],
    ['src/a?.ts', /stands for no character/],
    ['src/a\uff1f', /stands for no character/],
    ['src/[ab]', /brackets/],
    ['src/[a-z]+', /brackets/],
    ['src/+(a|b)', /extended glob/],
    ['src/@(a|b)', /extended glob/],
    ['src/(a|b)', /group/],
    ['src/a|b', /group/],
    ['^src$', /exclusion|anchor/],
    ['src/a$', /anchor/],
    ['$HOME/x', /variable/],
    ['acme/${repo}', /braces|variable/],
    ['src/.*', /another language/],
    ['src/.+', /quantifier/],
    ['sensors/+/temp', /wildcard of another/],
    ['sensors/#', /segment #/],
    ['src/>', /placeholder/],
    ['acme/<repo>/x', /placeholder/],
    ['acme/:id/x', /route parameter/],
    ['src/%', /%/],
    ['src/key%', /%/],
    ['src/...', /\*\* for any/],
    ['~/x', /~/],
    ['~root/x', /~/],
    ['src/a,src/b', /list separator/],
    ['src/a;jsessionid=1', /list separator/],
    ['"src/a"', /quotation/],
    ["'src/a'", /quotation/],
    ['src/\u2217', /look-alike/],
    ['src/a\\*', /backslash/],
    ['src/..;/key', /path parameters|list separator/],
  ])('refuses %j and states what to write instead', (match, why) => {
    const refusal = refusalOf(
      open({
        resources: [
          { type: 'file', match: 'src/**' },
          { type: 'file', match },
        ],
      }),
    );
    expect(refusal).toMatchObject({ code: 'PATTERN_INVALID', detail: expect.stringMatching(why) });
    expect(refusal?.detail).toContain('grant.resources[1].match');
  });

  it.each([
    'app/[id]/page.tsx',
    'app/(group)/**',
    'pkg/!important',
    'A$Inner.class',
    'routes/$postId.tsx',
    'what?',
    'src/{x}',
    'file~/a,b',
  ])('accepts %j if its author states that it is literal, and matches that name', (match) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, resources: [{ type: 'file', match, literal: true }] });
    const decided = (id: string) => act(log, grantId, 'file.read', { resource: { type: 'file', id } }).type;
    expect(decided(match.replace('/**', '/x'))).toBe('ActionPermitted');
    expect(decided('app/i/page.tsx')).toBe('ActionDenied');
  });

  it.each([
    '@scope/pkg',
    'c++/x',
    'a+b',
    'date=2026-01-01/part',
    'O\u2019Brien',
    'a#b',
    '#general',
    'file~',
    'x/-y',
    'a..b',
  ])('accepts %j, which has no meaning elsewhere', (match) => {
    expect(normalizePathPattern(match)).toEqual({ ok: true, value: match });
  });

  it('is refused even with `literal` if its spelling is wrong or ** is mixed with text', () => {
    for (const match of ['src/**.ts', '../[x]', 'a//[x]', '/[x]?', 'https://[x]/y', 'https://x/[y]?z', 'a/..;/b'])
      expect(normalizePathPattern(match, { literal: true }).ok).toBe(false);
  });

  it('keeps the meaning of * with `literal`, since no name contains it', () => {
    const log = new TestLog();
    const resources = [{ type: 'file', match: 'app/[id]/*.tsx', literal: true as const }];
    const { grantId } = openTestRun(log, { ...ROOMY, resources });
    const decided = (id: string) => act(log, grantId, 'file.read', { resource: { type: 'file', id } }).type;
    expect(decided('app/[id]/page.tsx')).toBe('ActionPermitted');
    expect(decided('app/[id]/page.css')).toBe('ActionDenied');
    expect(decided('app/i/page.tsx')).toBe('ActionDenied');
  });

  it('is stored without `literal` if the pattern does not need it', () => {
    const log = new TestLog();
    openTestRun(log, { ...ROOMY, resources: [{ type: 'file', match: 'src/**', literal: true }] });
    expect(JSON.stringify(log.events)).not.toContain('literal');
  });

  it('is inherited, narrowed and compared like every other pattern', () => {
    const log = new TestLog();
    const resources = [{ type: 'file', match: 'app/[id]/**', literal: true as const }];
    const { grantId } = openTestRun(log, { ...ROOMY, resources });
    const child = delegateTestRun(log, grantId, { actions: { allow: ['file.read'] } });
    const below = { type: 'file', match: 'app/[id]/page.tsx' };
    const read = (id: string) => act(log, child.grantId, 'file.read', { resource: { type: 'file', id } }).type;
    expect(read('app/[id]/page.tsx')).toBe('ActionPermitted');
    expect(read('app/i/page.tsx')).toBe('ActionDenied');
    const ask = (selector: object) =>
      log.do('delegate', {
        grantId,
        agent: { class: 'helper' },
        purposeRef: REF,
        grant: { resources: [selector] } as GrantRequest,
      })[0]?.type;
    expect(ask({ ...below, literal: true })).toBe('RunOpened');
    expect(ask({ type: 'file', match: 'app/[slug]/page.tsx', literal: true })).toBe('DelegationRefused');
  });

  it('is never taken literally if one of its characters has a meaning elsewhere (property)', () => {
    const meta = fc.constantFrom(...'!?[]{}()|^$<>%,;"`'.split(''));
    const plain = fc.stringMatching(/^[a-z0-9_/-]{0,8}$/);
    fc.assert(
      fc.property(plain, meta, plain, (before, sign, after) => {
        const text = `${before}${sign}${after}`;
        expect(normalizePathPattern(text).ok).toBe(false);
        const id = normalizeResourceId(text);
        if (!id.ok) return;
        const pattern = normalizePathPattern(text, { literal: true });
        expect(pattern.ok && matchesPath(pattern.value, id.value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a concrete resource id', () => {
  it.each([
    'app/[id].tsx',
    'app/(group)/page.tsx',
    '@scope/pkg',
    'routes/$id.tsx',
    'a{b}',
    'what?',
    'a;b',
    'x=1',
    'a,b',
    '~user/repo',
  ])('accepts the name %j', (id) => {
    expect(normalizeResourceId(id)).toEqual({ ok: true, value: id });
  });

  it.each([
    'src/..;/key',
    'src/..;x=1/key',
    'src/.;/key',
    'src/;x/key',
    'src/..%3b/key',
    'src/..%3B/key',
    '..;',
    ' ..;/x',
    '~/x',
    '~',
    'src/\u2025;/x',
    'src/..\uff1b/x',
  ])('refuses %j, which other systems resolve to another name', (id) => {
    expect(normalizeResourceId(id).ok).toBe(false);
  });
});

describe('a verb pattern in the notation of another language', () => {
  it.each<[string, RegExp]>([
    ['!secret.read', /actions\.deny/],
    ['-secret.read', /actions\.deny/],
    ['^secret.read', /actions\.deny/],
    ['not secret.read', /actions\.deny/],
    ['\uff01secret.read', /actions\.deny/],
    ['secret.{read,list}', /each verb as a separate entry/],
    ['secret.(read|list)', /each verb/],
    ['secret.rea?', /each verb/],
    ['secret.[rl]ead', /each verb/],
    ['secret.+', /each verb/],
    ['secret.@(read)', /each verb/],
    ['secret.read,secret.list', /each verb/],
    ['secret.rea%', /letters a–z/],
    ['secret.read$', /letters a–z/],
    ['secret.r*', /whole \*/],
    ['secret.>', /letters a–z/],
    ['secret:read', /letters a–z/],
    ['secret/read', /letters a–z/],
    ['${verb}', /each verb|letters a–z/],
  ])('refuses %j in allow and in deny', (verb, why) => {
    for (const actions of [{ allow: ['**', verb] }, { allow: ['**'], deny: [verb] }])
      expect(refusalOf(open({ actions }))).toMatchObject({
        code: 'PATTERN_INVALID',
        detail: expect.stringMatching(why),
      });
  });
});

describe('a name in the notation of another language', () => {
  const PATTERNS = ['!evil', 'wor*', '{a,b}', 'w[ab]', '+(a|b)', 'a|b', '^a$', 'a.*', 'a$', '${X}', 'work%', '<class>'];

  it.each(PATTERNS)('refuses %j in delegation.classes, posture, sources and types', (name) => {
    const grants: GrantRequest[] = [
      { delegation: { depth: 1, children: 1, classes: ['*', name] } },
      { posture: { agentClass: ['worker', name] } },
      { posture: { model: [name] } },
      { posture: { modelVersion: [name] } },
      { posture: { environment: ['prod', name] } },
      { posture: { imageDigest: [name] } },
      { purpose: { delegatedSources: [name] } },
      { resources: [{ type: name, match: '**' }] },
    ];
    for (const grant of grants) expect(refusalOf(open(grant))).toMatchObject({ code: 'PATTERN_INVALID' });
  });

  it.each(PATTERNS)('refuses %j in the texts and the names of conditions', (text) => {
    for (const where of [
      { a: { prefix: text } },
      { a: { eq: text } },
      { a: { in: ['x', text] } },
      { [text]: { eq: 'x' } },
    ])
      expect(refusalOf(open({ resources: [{ type: 'file', match: '**', where }] }))).toMatchObject({
        code: 'PATTERN_INVALID',
        detail: expect.stringContaining('grant.resources[0].where'),
      });
  });

  it.each(PATTERNS)('refuses %j in the selector of a revocation, which would select nothing', (name) => {
    for (const key of ['agentClass', 'agentInstance', 'modelVersion', 'tool']) {
      const log = new TestLog();
      const refusal = refusalOf(
        log.try('revokeSelector', {
          revocationId: 'rev_0_00000000000000000000000001',
          selector: { [key]: name },
          force: true,
        }),
      );
      expect(refusal).toMatchObject({ code: 'PATTERN_INVALID', detail: expect.stringContaining(`selector.${key}`) });
    }
  });

  it.each(PATTERNS)('refuses %j as the name of an agent or a tool, so that a selector can name every one', (name) => {
    const run = { principalRef: REF, purposeRef: REF, grant: ROOMY };
    for (const agent of [
      { class: 'worker', instance: name },
      { class: 'worker', posture: { model: name } },
      { class: 'worker', posture: { modelVersion: name } },
    ])
      expect(refusalOf(new TestLog().try('openRun', { agent, ...run }))).toMatchObject({ code: 'PATTERN_INVALID' });
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const call = { verb: 'file.read', tool: name };
    expect(
      refusalOf(
        log.try('authorize', {
          grantId,
          action: call,
          resource: { type: 'file', id: 'x' },
          proof: { vouched: true },
        }),
      ),
    ).toMatchObject({ code: 'PATTERN_INVALID' });
  });

  it.each([
    'gpt-4o (2024-08-06)',
    'runner 7',
    'a+b@example.com',
    '100%',
    'c++',
    'claude-3.5',
    'Foo (Bar)',
    'eu-1/a',
    'What?',
  ])('accepts %j as a name', (name) => {
    expect(refusalOf(open({ posture: { model: [name] } }))).toBeUndefined();
    expect(refusalOf(open({ resources: [{ type: 'file', match: '**', where: { a: { eq: name } } }] }))).toBeUndefined();
  });
});

describe('a lease that was issued with such a pattern', () => {
  it('still delegates its own patterns, and no others in that notation', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const grant = log.state.grants.get(grantId)!;
    Object.assign(grant, {
      limits: { ...grant.limits, resources: [{ type: 'file', match: 'app/[id]/**' }] },
    });
    expect(log.try('delegate', { grantId, agent: { class: 'helper' }, purposeRef: REF, grant: {} })).toHaveProperty(
      'events',
    );
    const resources = [{ type: 'file', match: 'app/[id]/x' }];
    const narrowed = log.try('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: REF,
      grant: { resources },
    });
    expect(refusalOf(narrowed)).toMatchObject({ code: 'PATTERN_INVALID' });
  });
});
