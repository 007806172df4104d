import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkedIssuers } from '../../apps/gateway/src/auth/issuers/issuer-config';
import { signedIn } from '../../apps/gateway/src/auth/issuers/people';

const page = readFileSync(join(__dirname, '../../docs/identity.md'), 'utf8');
const configured = [...page.matchAll(/^### Like (\w+)[^]*?^```json\n([^]*?)^```$/gm)].map(
  ([, name = '', json = '']) => [name, checkedIssuers(JSON.parse(json), 'https://bailiwick.example')[0]] as const,
);

/** Claims in the form that each kind of issuer writes them. */
const CLAIMS: Record<string, Record<string, unknown>> = {
  Keycloak: {
    sub: '5c3b',
    email: 'ada@example.com',
    email_verified: true,
    realm_access: { roles: ['offline_access', 'bailiwick-security'] },
    groups: ['/finance', '/all'],
  },
  Entra: {
    sub: 'pairwise',
    oid: '0f0f',
    tid: '11111111-2222-3333-4444-555555555555',
    roles: ['Bailiwick.Approver'],
    groups: ['99999999-0000-0000-0000-000000000001', '99999999-0000-0000-0000-000000000002'],
  },
  Okta: { sub: 'ada@example.com', cid: '0oa1bailiwickcli', groups: ['Everyone', 'Bailiwick Approvers', 'Finance'] },
};

describe('the issuers in docs/identity.md', () => {
  it('are one of each kind', () => {
    expect(configured.map(([name]) => name)).toEqual(['Keycloak', 'Entra', 'Okta']);
  });

  it.each([
    ['Keycloak', { person: 'user:ada@example.com', roles: ['responder', 'analyst'], groups: ['finance'] }],
    ['Entra', { person: 'user:entra-0f0f', roles: ['approver'], groups: ['finance'] }],
    ['Okta', { person: 'user:ada@example.com', roles: ['approver'], groups: ['finance'] }],
  ])('of a kind like %s name people, roles and groups', (name, expected) => {
    const issuer = configured.find(([each]) => each === name)?.[1];
    const claims = { sub: '', exp: 1, ...CLAIMS[name] };
    expect(issuer && signedIn({ issuer, claims })).toMatchObject({ tenant: 'default', ...expected });
  });
});
