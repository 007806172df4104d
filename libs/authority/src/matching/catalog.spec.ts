import { EFFECTS, RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import {
  asksMonitor,
  classify as classifyBy,
  isHighRisk,
  mayBeHighRisk as mayBeHighRiskBy,
  type Unclassified,
} from './catalog';

const classify = (action: Unclassified) => classifyBy(action, DEFAULT_CATALOG);
const mayBeHighRisk = (call: Parameters<typeof mayBeHighRiskBy>[0]) => mayBeHighRiskBy(call, DEFAULT_CATALOG);

const classified = (
  verb: string,
  over: Partial<Parameters<typeof classify>[0]> = {},
  id = 'a/b',
  attributes: Record<string, string> = {},
) => {
  const { effect, risk, labels } = classify({
    verb,
    effect: undefined,
    risk: undefined,
    labels: [],
    resource: { type: 'file', id, attributes },
    ...over,
  });
  return [effect, risk, [...labels].sort().join(' ')];
};

describe('the catalog', () => {
  it.each<[string, Effect, Risk, string]>([
    ['secret.read', 'read', 'high', 'private read:secret'],
    ['secret.rotate', 'write', 'high', ''],
    ['secret.export', 'write', 'high', 'may:send private read:secret'],
    ['vault.read', 'read', 'high', 'private read:secret'],
    ['git_list_linked_ssh_keys', 'read', 'medium', 'private'],
    ['github_get_gpg_keys', 'read', 'medium', 'private'],
    ['gitlab_add_ssh_key', 'external', 'high', 'escalation may:send send:external'],
    ['github_get_private_ssh_key', 'read', 'high', 'fetch:unnamed private read:secret untrusted'],
    ['gitlab_export_ssh_key', 'write', 'high', 'may:send private read:secret'],
    ['github_get_api_key', 'read', 'high', 'fetch:unnamed private read:secret untrusted'],
    ['get_ssh_key', 'read', 'high', 'fetch:unnamed private read:secret untrusted'],
    ['jira_get_issue', 'read', 'low', ''],
    ['github_get_and_push_branch', 'external', 'medium', 'send:external'],
    ['git_list_then_run_script', 'exec', 'high', 'exec:shell'],
    ['secrets.fetch', 'read', 'high', 'private read:secret'],
    ['credentials.set', 'write', 'high', ''],
    ['email.send', 'external', 'medium', 'send:external'],
    ['message.send', 'external', 'medium', 'send:external'],
    ['web.post', 'external', 'medium', 'send:external'],
    ['http.post', 'external', 'medium', 'send:external'],
    ['webhook.call', 'external', 'medium', 'send:external'],
    ['web.get', 'read', 'low', 'fetch:unnamed untrusted'],
    ['web.fetch', 'read', 'low', 'fetch:unnamed untrusted'],
    ['email.read', 'read', 'low', 'private untrusted'],
    ['shell.exec', 'exec', 'high', 'exec:shell'],
    ['process.spawn', 'exec', 'high', 'exec:shell'],
    ['iam.role.grant', 'write', 'high', 'escalation'],
    ['iam.read', 'write', 'high', 'escalation'],
    ['access.escalate', 'write', 'high', 'escalation'],
    ['sudo.run', 'exec', 'high', 'escalation exec:shell'],
    ['file.read', 'read', 'low', ''],
    ['file.list', 'read', 'low', ''],
    ['repo.issue.search', 'read', 'low', ''],
    ['file.write', 'write', 'medium', ''],
    ['repo.commit', 'write', 'medium', ''],
    ['repo.branch.create', 'write', 'medium', ''],
    ['pull_request.create', 'write', 'medium', 'may:send'],
    ['file.delete', 'write', 'high', ''],
    ['repo.branch.delete', 'write', 'high', ''],
    ['payment.send', 'external', 'high', 'pays send:external'],
    ['money.transfer', 'external', 'high', 'send:external'],
    ['production.deploy', 'exec', 'irreversible', 'exec:shell'],
    ['production.db.drop', 'write', 'high', ''],
    ['never.heard', 'write', 'medium', 'may:exec may:send'],
  ])('%s is %s, %s, %s', (verb, effect, risk, labels) => {
    expect(classified(verb)).toEqual([effect, risk, labels]);
  });

  it('asks the intent monitor about every call that it may classify as high-risk', () => {
    const resource = { type: 'file', id: 'a/b', attributes: {} };
    let high = 0;
    for (const verb of ['file.read', 'secret.read', 'email.send', 'shell.exec', 'production.deploy', 'never.heard'])
      for (const effect of [undefined, ...EFFECTS])
        for (const risk of [undefined, ...RISKS])
          for (const vouched of [true, false]) {
            const classifiedAs = classify({ verb, effect, risk, labels: [], resource, vouched });
            if (!isHighRisk(classifiedAs.risk)) continue;
            high += 1;
            expect([verb, effect, risk, mayBeHighRisk({ verb, effect, risk })]).toEqual([verb, effect, risk, true]);
          }
    expect(high).toBeGreaterThan(100);
    expect(mayBeHighRisk({ verb: 'file.read', effect: 'read', risk: 'medium' })).toBe(false);
    expect(mayBeHighRisk({ verb: 'never.heard' })).toBe(false);
  });

  it('asks the intent monitor about every call that does more than read, and about no other call of low or medium risk', () => {
    const resource = { type: 'file', id: 'a/b', attributes: {} };
    const asked = { true: 0, false: 0 };
    for (const verb of ['file.read', 'file.write', 'email.send', 'web.get', 'shell.exec', 'never.heard'])
      for (const effect of [undefined, ...EFFECTS])
        for (const risk of [undefined, ...RISKS])
          for (const vouched of [true, false]) {
            const known = classify({ verb, effect, risk, labels: [], resource, vouched });
            const wanted = isHighRisk(known.risk) || known.effects.some((each) => each !== 'read');
            asked[`${wanted}`] += 1;
            const asks = asksMonitor({ verb, effect, risk }, vouched, DEFAULT_CATALOG);
            expect([verb, effect, risk, vouched, asks]).toEqual([verb, effect, risk, vouched, wanted]);
          }
    expect(Math.min(asked.true, asked.false)).toBeGreaterThan(10);
  });

  it('counts an unknown risk as high', () => {
    expect(RISKS.map(isHighRisk)).toEqual([false, false, true, true]);
    expect(isHighRisk('unheard-of')).toBe(true);
  });

  it('lets a caller only tighten an action of a known verb', () => {
    for (const verb of ['secret.read', 'email.send', 'shell.exec', 'file.read', 'production.deploy']) {
      const resource = { type: 'x', id: 'x', attributes: {} };
      const known = classify({ verb, effect: undefined, risk: undefined, labels: [], resource });
      for (const effect of EFFECTS) {
        for (const risk of RISKS) {
          const got = classify({ verb, effect, risk, labels: [], resource });
          expect(EFFECTS.indexOf(got.effect)).toBe(Math.max(EFFECTS.indexOf(effect), EFFECTS.indexOf(known.effect)));
          expect(RISKS.indexOf(got.risk)).toBeGreaterThanOrEqual(
            Math.max(RISKS.indexOf(risk), RISKS.indexOf(known.risk)),
          );
          for (const label of known.labels) expect(got.labels).toContain(label);
        }
      }
    }
  });

  it('accepts an enforcement point’s effect for an unknown verb, with the risk of that effect', () => {
    const vouched = true;
    expect(classified('never.heard', { vouched, effect: 'read' })).toEqual(['read', 'low', '']);
    expect(classified('never.heard', { vouched, effect: 'exec', risk: 'low' })).toEqual(['exec', 'high', 'exec:shell']);
    expect(classified('never.heard', { vouched, risk: 'low' })).toEqual(['write', 'medium', 'may:exec may:send']);
    expect(classified('never.heard', { vouched, risk: 'irreversible' })[1]).toBe('irreversible');
  });

  it('adds the effect that a run states for an unknown verb to the assumed one', () => {
    expect(classified('never.heard', { effect: 'read' })).toEqual(['write', 'medium', 'may:exec may:send']);
    expect(classified('never.heard', { effect: 'exec', risk: 'low' })).toEqual([
      'exec',
      'high',
      'exec:shell may:exec may:send',
    ]);
  });

  it.each([
    '.env',
    'app/.env.production',
    'k/tls.pem',
    'home/.ssh/config',
    '.aws/credentials',
    'secrets/db',
    'prod/dbpassword',
    'app/passwords.txt',
    'ID_RSA',
    'credentials.json',
    'credentials-prod',
    'a/secrets.yaml',
    'x/server.key',
    '.netrc',
  ])('recognizes %s as a secret', (id) => {
    expect(classified('file.read', {}, id)[2]).toBe('private read:secret');
    expect(classified('file.write', {}, id)[2]).toBe('private');
  });

  it.each(['environment.ts', 'src/env.ts', 'docs/secretary.md', 'pem/readme', 'keys.md', 'credentialing.md'])(
    'does not classify %s as a secret',
    (id) => {
      expect(classified('file.read', {}, id)[2]).toBe('');
    },
  );

  it('keeps every label if the action has another effect', () => {
    expect(classified('file.read', { effect: 'write' }, '.env')[2]).toBe('private read:secret');
    expect(classified('never.heard', { effect: 'write', vouched: true }, '.env')[2]).toBe('private read:secret');
    expect(classified('shell.exec', { effect: 'external' })[2]).toBe('exec:shell send:external');
    expect(classified('email.send', {}, 'secrets/db')[2]).toBe('private read:secret send:external');
    expect(classified('file.read', { labels: ['mine'] })[2]).toBe('mine');
  });

  it.each<[Record<string, string>, string]>([
    [{ sensitivity: 'secret' }, 'private read:secret'],
    [{ sensitivity: 'SECRET' }, 'private read:secret'],
    [{ sensitivity: 'confidential' }, 'private'],
    [{ sensitivity: 'personal' }, 'private'],
    [{ sensitivity: 'public' }, ''],
    [{ trust: 'untrusted' }, 'untrusted'],
    [{ origin: 'external' }, 'untrusted'],
    [{ trust: 'external', sensitivity: 'private' }, 'private untrusted'],
  ])('reads labels from the attributes %j: %s', (attributes, labels) => {
    expect(classified('file.read', {}, 'a/b', attributes)[2]).toBe(labels);
  });
});
