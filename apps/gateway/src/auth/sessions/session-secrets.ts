import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a secret is for; one for a purpose is refused for another. */
type Purpose = 'session' | 'link';

const FORM = /^([\w-]{43})\.([\w-]{43})$/;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The secrets of browsers: 256 random bits with a code by which a gateway recognizes that the installation made them, so
 * that made-up ones cause no look-up. The keys are derived from the one secret that gateways share and never change.
 */
export class SessionSecrets {
  private readonly codes: Buffer;
  private readonly seals: Buffer;

  /** @param shared the secret that the gateways share */
  constructor(shared: Buffer) {
    const derived = (use: string): Buffer =>
      Buffer.from(hkdfSync('sha256', shared, '', `bailiwick browser ${use}`, 32));
    [this.codes, this.seals] = [derived('sessions'), derived('sign-ins')];
  }

  make(purpose: Purpose): string {
    const random = randomBytes(32).toString('base64url');
    return `${random}.${this.code(purpose, random)}`;
  }

  /** Reports whether a gateway made this text for the purpose. Whether it is still valid is for the store to state. */
  made(purpose: Purpose, text: string): boolean {
    const [, random = '', code = ''] = FORM.exec(text) ?? [];
    return random !== '' && equal(code, this.code(purpose, random));
  }

  /** The token that requests of a session have in a header. It reveals nothing about the secret. */
  csrfOf(session: string): string {
    return this.code('csrf', session);
  }

  isCsrf(session: string, token: unknown): boolean {
    return typeof token === 'string' && equal(token, this.csrfOf(session));
  }

  /** Encrypts a value that a browser keeps and only a gateway reads. */
  seal(value: unknown): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.seals, iv);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Returns the value of `seal`; undefined if it was changed, or is of another installation. */
  open(text: string): unknown {
    try {
      const bytes = Buffer.from(text, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', this.seals, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const opened = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(opened.toString('utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  private code(purpose: string, text: string): string {
    return createHmac('sha256', this.codes).update(`${purpose} ${text}`).digest('base64url');
  }
}

function equal(one: string, two: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(two)];
  return left.length === right.length && timingSafeEqual(left, right);
}
