/**
 * A real OpenID provider for tests, in a separate process since it is an ES module. Started with the port and the audience
 * of access tokens, and optionally with the redirect URI of a console; it prints `ready`. Any login signs in the account of that name.
 */
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, audience, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const GROUPS = { ada: ['finance'], bob: [] };
const ROLES = { ada: ['bw-approver', 'bw-analyst'], bob: [] };
const person = (id) => ({
  email: `${id}@example.com`,
  email_verified: true,
  groups: GROUPS[id] ?? [],
  roles: ROLES[id] ?? [],
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['a test'] },
  clients: [
    {
      client_id: 'bailiwick-cli',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
    },
    ...(redirectUri
      ? [
          {
            client_id: 'bailiwick-console',
            client_secret: 'a secret of the console, long enough',
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code'],
            response_types: ['code'],
          },
        ]
      : []),
  ],
  // the ID token has the claims of the person
  conformIdTokenClaims: false,
  claims: { openid: ['sub', 'groups', 'roles'], email: ['email', 'email_verified'] },
  scopes: ['openid', 'email', 'api'],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...person(id) }) }),
  extraTokenClaims: (_ctx, token) => (token.accountId ? person(token.accountId) : undefined),
  features: {
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        scope: 'api',
        audience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
      useGrantedResource: () => true,
    },
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
