import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import {
  jwkOf,
  publicPart,
  readRetiredKeys,
  retiredFile,
  type RetiredKeys,
  type TokenJwk,
} from '@bailiwick/platform/keys/token-keys';

/** The key that signs now, and those whose tokens are still accepted. */
export interface KeySet {
  readonly signing: { readonly kid: string; readonly key: KeyObject };
  readonly verifying: ReadonlyMap<string, { readonly key: KeyObject; readonly jwk: TokenJwk; readonly until: number }>;
}

/** Makes the keys of a private key and of the former ones. */
export function keySetOf(pem: string, retired: RetiredKeys = []): KeySet {
  const key = createPrivateKey(pem);
  const own = jwkOf(publicPart(key));
  const entry = (jwk: TokenJwk, until: number) => {
    const { kty, crv, x } = jwk;
    return [jwk.kid, { key: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }), jwk, until }] as const;
  };
  // the key that signs comes last, so that its own entry wins over one that a crashed rotation listed
  const all = [...retired.map(({ x, until }) => entry(jwkOf(x), Date.parse(until))), entry(own, Infinity)];
  return { signing: { kid: own.kid, key }, verifying: new Map(all) };
}

/** How often a gateway looks for a key that was rotated, ms. A token of an unknown key makes it look sooner. */
const LOOK_MS = 1_000;
const LOOK_SOONER_MS = 50;

/** The keys of grant tokens and action tokens. All gateways of an installation share their files. */
export class TokenKeys {
  private version = '';
  private readAt = -Infinity;

  /** @param file undefined for keys that never change */
  constructor(
    private readonly file: string | undefined,
    private readonly now: () => number,
    private keys: KeySet,
  ) {}

  static read(file: string, now: () => number): TokenKeys {
    const keys = new TokenKeys(file, now, keySetOf(readFileSync(file, 'utf8'), readRetiredKeys(retiredFile(file))));
    keys.version = keys.versionOf(file);
    return keys;
  }

  /** The key that signs; the same everywhere within a second after a rotation. */
  get signing(): KeySet['signing'] {
    this.refresh(LOOK_MS);
    return this.keys.signing;
  }

  /**
   * The keys that may have signed a token: the one of its `kid`, or all if it has none, as the tokens of earlier releases.
   */
  candidates(kid: unknown): KeyObject[] {
    if (typeof kid === 'string' && !this.keys.verifying.has(kid)) this.refresh(LOOK_SOONER_MS);
    const all = [...this.keys.verifying].filter(([, { until }]) => until > this.now());
    return all.filter(([own]) => kid === undefined || own === kid).map(([, { key }]) => key);
  }

  /** The public keys, for `/oauth/jwks`. */
  get jwks(): { readonly keys: readonly TokenJwk[] } {
    this.refresh(LOOK_SOONER_MS);
    const live = [...this.keys.verifying.values()].filter(({ until }) => until > this.now());
    return { keys: live.map(({ jwk }) => jwk).reverse() };
  }

  /** Changes with the keys: what was verified under an earlier value is verified again. */
  get generation(): string {
    this.refresh(LOOK_MS);
    return this.version;
  }

  private refresh(afterMs: number): void {
    if (this.file === undefined || performance.now() - this.readAt < afterMs) return;
    this.readAt = performance.now();
    const version = this.versionOf(this.file);
    if (version === this.version) return;
    this.keys = keySetOf(readFileSync(this.file, 'utf8'), readRetiredKeys(retiredFile(this.file)));
    this.version = version;
  }

  private versionOf(file: string): string {
    return [file, retiredFile(file)]
      .map((each) => statSync(each, { bigint: true, throwIfNoEntry: false }))
      .map((stat) => (stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : ''))
      .join('\n');
  }
}
