import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV = 12;
const TAG = 16;
/** A public key of X25519. */
const POINT = 32;

/** Encrypts for the holder of a private key (X25519, HKDF-SHA-256, AES-256-GCM with an ephemeral key), and cannot decrypt. */
export class Sealer {
  private readonly recipient: KeyObject;

  /** @param pem the public key (SPKI, PEM) */
  constructor(pem: string) {
    this.recipient = x25519(createPublicKey(pem));
  }

  /** @param context where the text belongs: it can be opened only with the same */
  seal(text: string, context: readonly string[]): string {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const ephemeral = pointOf(publicKey);
    const key = sharedKey(diffieHellman({ privateKey, publicKey: this.recipient }), ephemeral, pointOf(this.recipient));
    return Buffer.concat([ephemeral, encrypted(key, text, context)]).toString('base64url');
  }
}

/** Opens what was sealed for it, and encrypts what only it reads again. */
export class Opener {
  private readonly privateKey: KeyObject;
  private readonly own: Buffer;
  private readonly atRest: Buffer;
  private readonly naming: Buffer;

  /** @param pem the private key (PKCS#8, PEM) */
  constructor(pem: string) {
    this.privateKey = x25519(createPrivateKey(pem));
    this.own = pointOf(createPublicKey(this.privateKey));
    const secret = this.privateKey.export({ type: 'pkcs8', format: 'der' });
    this.atRest = derived(secret, 'bailiwick tokens at rest');
    this.naming = derived(secret, 'bailiwick names at rest');
  }

  /** @throws Error if it was sealed for another key or context, or was changed */
  open(sealed: string, context: readonly string[]): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const ephemeral = bytes.subarray(0, POINT);
    const jwk = { kty: 'OKP', crv: 'X25519', x: ephemeral.toString('base64url') };
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const key = sharedKey(diffieHellman({ privateKey: this.privateKey, publicKey }), ephemeral, this.own);
    return decrypted(key, bytes.subarray(POINT), context);
  }

  /** Encrypts a text that this key alone decrypts. */
  encrypt(text: string, context: readonly string[]): string {
    return encrypted(this.atRest, text, context).toString('base64url');
  }

  /** @throws Error if it was encrypted with another key or context, or was changed */
  decrypt(text: string, context: readonly string[]): string {
    return decrypted(this.atRest, Buffer.from(text, 'base64url'), context);
  }

  /** Returns a keyed digest, under which something is stored whose name is not. */
  nameOf(parts: readonly string[]): string {
    return createHmac('sha256', this.naming).update(JSON.stringify(parts)).digest('base64url');
  }
}

function encrypted(key: Buffer, text: string, context: readonly string[]): Buffer {
  const iv = randomBytes(IV);
  const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(JSON.stringify(context)));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function decrypted(key: Buffer, bytes: Buffer, context: readonly string[]): string {
  if (bytes.length < IV + TAG) throw new Error('the encrypted text is too short');
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV), { authTagLength: TAG })
    .setAAD(Buffer.from(JSON.stringify(context)))
    .setAuthTag(bytes.subarray(-TAG));
  return Buffer.concat([decipher.update(bytes.subarray(IV, -TAG)), decipher.final()]).toString('utf8');
}

const derived = (secret: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32));
const sharedKey = (secret: Buffer, ephemeral: Buffer, recipient: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.concat([ephemeral, recipient]), 'bailiwick sealed secret', 32));
const pointOf = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');

function x25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'x25519') throw new Error('the key is not a key of X25519');
  return key;
}
