import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, type JWTPayload } from 'jose';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
export function signingKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2_048 }) };
}

/** An issuer of tests: it serves metadata and keys, and counts who asks for them. */
export class TestIssuer {
  readonly requests: string[] = [];
  keys: SigningKey[];
  /** replaces the response to a path */
  readonly answers = new Map<string, { status?: number; body?: string; location?: string }>();
  private constructor(
    private readonly server: Server,
    readonly url: string,
    key: SigningKey,
  ) {
    this.keys = [key];
  }

  static async start(key: SigningKey): Promise<TestIssuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new TestIssuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key);
    server.on('request', ({ url = '' }, response) => {
      issuer.requests.push(url);
      const { status = 200, body, location } = issuer.answers.get(url) ?? {};
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(location === undefined ? {} : { location }),
      });
      if (body !== undefined || location !== undefined) return response.end(body);
      void issuer.document(url).then((text) => response.end(text));
    });
    return issuer;
  }

  private async document(url: string): Promise<string> {
    if (url === '/.well-known/openid-configuration')
      return JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` });
    const jwks = this.keys.map(async ({ kid, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg: 'RS256',
      use: 'sig',
    }));
    return JSON.stringify({ keys: await Promise.all(jwks) });
  }

  /** Signs a token, whatever its claims. */
  sign(
    payload: JWTPayload,
    header: Record<string, unknown> = {},
    key: SigningKey = this.keys[0] as SigningKey,
  ): Promise<string> {
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'at+jwt', ...header })
      .sign(key.privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
