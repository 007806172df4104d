import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { retiredFile, rotateTokenKey } from '@bailiwick/platform/keys/token-keys';
import { granted, ISSUER, NOW, PEM, proofsAt, refusalOf } from '../testing/tokens';
import { GrantTokens } from './grant-tokens';
import { TokenKeys } from './token-keys';

const DAY = 24 * 3_600_000;

describe('the rotation of the key of tokens', () => {
  let dir: string;
  let file: string;
  let clock: { now: number };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bailiwick-'));
    file = join(dir, 'token.pem');
    writeFileSync(file, PEM, { mode: 0o600 });
    clock = { now: NOW };
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const gateway = (): GrantTokens =>
    new GrantTokens(
      TokenKeys.read(file, () => clock.now),
      ISSUER,
      () => clock.now,
      proofsAt(clock),
    );
  const rotate = (drop = false) => rotateTokenKey(file, { now: clock.now, lifetimeMs: 30 * DAY, drop });
  const longLived = () => granted({ ttlMs: 31 * DAY });

  it('lists the former key until the last of its tokens has ended, and signs with the new one', async () => {
    const before = await gateway().mint('default', ...longLived());
    const { old, fresh } = rotate();
    const tokens = gateway();
    expect(tokens.keys.jwks.keys.map(({ kid }) => kid)).toEqual([fresh, old]);
    expect(decodeProtectedHeader(await tokens.mint('default', ...granted())).kid).toBe(fresh);
    expect(decodeProtectedHeader(before).kid).toBe(old);
    await expect(tokens.verify(before)).resolves.toBeDefined();
    clock.now = NOW + 30 * DAY;
    expect(tokens.keys.jwks.keys.map(({ kid }) => kid)).toEqual([fresh]);
    expect((await refusalOf(gateway().verify(before))).code).toBe('UNAUTHENTICATED');
  });

  it('is noticed by a gateway that runs when it sees a token of the new key', async () => {
    const running = gateway();
    await running.mint('default', ...granted());
    rotate();
    const token = await gateway().mint('default', ...granted());
    // a gateway looks for an unknown key at most every 50 ms
    let verified = false;
    while (!verified)
      verified = await running.verify(token).then(
        () => true,
        () => false,
      );
    expect(running.keys.jwks.keys).toHaveLength(2);
  });

  it('ends all tokens of former keys if it drops them', async () => {
    const before = await gateway().mint('default', ...granted());
    rotate();
    const { fresh } = rotate(true);
    expect(gateway().keys.jwks.keys.map(({ kid }) => kid)).toEqual([fresh]);
    expect((await refusalOf(gateway().verify(before))).detail).toContain('kid');
  });

  it('keeps the private key from other users, and lists public parts only', () => {
    rotate();
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(readFileSync(retiredFile(file), 'utf8')).not.toContain('PRIVATE');
    expect(JSON.stringify(gateway().keys.jwks)).not.toContain('"d"');
  });

  it('refuses to start with a list of former keys that it cannot read', () => {
    for (const text of ['{', '{}', '[{"x":"short","until":"2026-01-01T00:00:00Z"}]', '[{"x":1}]']) {
      writeFileSync(retiredFile(file), text);
      expect(gateway).toThrow();
    }
  });

  it('takes no other kind of key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(gateway).toThrow('Ed25519');
  });
});
