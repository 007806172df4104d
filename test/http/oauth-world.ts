import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWTPayload } from 'jose';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { Stack, until } from '../support/stack';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Another service that tokens may be issued for. */
export const TOOL = 'https://tool.example';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Posts a form. A value that is a list is sent several times. */
export async function form(
  url: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) body.append(name, each);
  const response = await fetch(url, { method: 'POST', body, headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

export const basic = (id: string, secret: string): Record<string, string> => {
  const parts = [id, secret].map(encodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(parts).toString('base64')}` };
};

/** The limits of a child, as `authorization_details`. */
export const details = (grant: object = {}, more: object = {}): string =>
  JSON.stringify([{ type: 'bailiwick_lease', agent: { class: 'child' }, task: 'read the repository', grant, ...more }]);

export const exchangeFields = (token: string, grant: object = {}): Record<string, string> => ({
  grant_type: EXCHANGE,
  subject_token: token,
  subject_token_type: ACCESS_TOKEN,
  authorization_details: details(grant),
});

/** A key of a client that proves its possession. */
export class ProofKey {
  private constructor(
    private readonly key: KeyObject,
    private readonly jwk: object,
    readonly jkt: string,
  ) {}

  static async make(): Promise<ProofKey> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    return new ProofKey(privateKey, jwk, await calculateJwkThumbprint(jwk));
  }

  proof(method: string, htu: string, more: { token?: string; nonce?: string } = {}): Promise<string> {
    const { token, nonce } = more;
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu,
      iat: Math.floor(Date.now() / 1_000),
      ...(token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
      ...(nonce === undefined ? {} : { nonce }),
    };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.jwk }).sign(this.key);
  }
}

/** An identity provider with one key, whose assertions the system accepts. */
export class IdentityProvider {
  private constructor(
    private readonly server: Server,
    private readonly key: KeyObject,
    readonly issuer: string,
  ) {}

  static async start(): Promise<IdentityProvider> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(jwks));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new IdentityProvider(server, privateKey, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Its entry of `issuers.json`. */
  get config(): object {
    return {
      issuer: this.issuer,
      jwksUri: `${this.issuer}/jwks`,
      audience: 'bailiwick',
      person: { claim: 'email' },
      assertions: true,
      workloads: {
        name: 'ci',
        audience: 'bailiwick-ci',
        require: [{ claim: 'repository', values: ['acme/clord'] }],
        posture: { imageDigest: 'sha', environment: 'environment' },
        classes: ['repo-agent', 'child'],
      },
    };
  }

  /** Makes an assertion that is valid except for the given claims. */
  assertion(
    url: string,
    changed: JWTPayload = {},
    header: Record<string, unknown> = {},
    key = this.key,
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const valid = {
      iss: this.issuer,
      sub: 'ada',
      email: 'ada@example.com',
      email_verified: true,
      aud: url,
      client_id: 'orchestrator',
      resource: url,
      jti: randomUUID(),
      iat: now,
      exp: now + 300,
    };
    return new SignJWT({ ...valid, ...changed })
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'one', ...header })
      .sign(key);
  }

  /** Makes the token of a job of a CI system, valid except for the given claims. */
  workload(changed: JWTPayload = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const valid = {
      iss: this.issuer,
      aud: 'bailiwick-ci',
      sub: 'repo:acme/clord:ref:refs/heads/main',
      repository: 'acme/clord',
      sha: 'sha-1',
      environment: 'prod',
      iat: now,
      exp: now + 300,
    };
    return new SignJWT({ ...valid, ...changed })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'one' })
      .sign(this.key);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** Starts a system that knows an identity provider. */
export async function startStack(provider: IdentityProvider, dataDir: string): Promise<Stack> {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'issuers.json'), JSON.stringify({ issuers: [provider.config] }));
  return Stack.start({ BAILIWICK_RESOURCES: TOOL }, [], dataDir);
}

/** A second gateway of a system, at another port and under the same address. */
export class SecondGateway {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start(stack: Stack): Promise<SecondGateway> {
    const port = await freePort();
    const { nats } = JSON.parse(readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8')) as {
      nats: Record<string, string>;
    };
    const main = resolve(__dirname, '..', '..', 'apps', 'gateway', 'dist', 'main.js');
    const child = spawn(process.execPath, [...BUILT_FLAGS, main], {
      env: {
        PATH: process.env.PATH,
        BAILIWICK_LOG_LEVEL: 'error',
        BAILIWICK_DATA: stack.dataDir,
        BAILIWICK_PORT: String(port),
        BAILIWICK_PUBLIC_URL: stack.url,
        BAILIWICK_RESOURCES: TOOL,
        BAILIWICK_NATS_URL: stack.status().nats.url,
        BAILIWICK_NATS_USER: 'gateway',
        BAILIWICK_NATS_PASSWORD: nats.gateway,
      },
      stdio: 'inherit',
    });
    const gateway = new SecondGateway(child, `http://127.0.0.1:${port}`);
    await until('the second gateway to be ready', async () =>
      fetch(`${gateway.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return gateway;
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}
