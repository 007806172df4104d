import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problems/problem';

const NONCE = 12;
const TAG = 16;

/**
 * Seals where a page of a search ended. A token holds the place of the last candidate, which the caller may not know of,
 * so it is encrypted, and bound to the search and its caller. All gateways of an installation share the key.
 */
export class PageTokens {
  /** @param key 32 bytes */
  constructor(private readonly key: Buffer) {}

  /** @param search the tenant, the caller and the request, except for its page */
  seal(search: string, place: string): string {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(search));
    const sealed = Buffer.concat([cipher.update(place, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** @throws Refused BAD_REQUEST for a token of another search, of another caller, or of none */
  open(search: string, token: string): string {
    const bytes = token.length > LIMITS.authzen.token ? Buffer.alloc(0) : Buffer.from(token, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAAD(Buffer.from(search)).setAuthTag(bytes.subarray(-TAG));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString('utf8');
    } catch {
      throw new Refused(
        'BAD_REQUEST',
        'page.token is not of this search; send next_token of a page with all other values of its request unchanged',
      );
    }
  }
}
