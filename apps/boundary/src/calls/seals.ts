import { createHmac, timingSafeEqual } from 'node:crypto';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** What a text of the boundary is bound to, such as a lease, a server and a method. */
export type Binding = readonly (string | number)[];

/** Binds texts of an upstream, such as cursors, to the run that they are for: with another binding they are not opened. */
export class Seals {
  private readonly key: Buffer;

  constructor(secret: string | Buffer) {
    this.key = createHmac('sha256', secret).update('texts of the boundary that agents send back').digest();
  }

  seal(text: string, binding: Binding): string {
    return `${Buffer.from(text).toString('base64url')}.${this.mac(text, binding).toString('base64url')}`;
  }

  /** Returns the text; undefined if it was not sealed with this binding. */
  open(sealed: unknown, binding: Binding): string | undefined {
    if (typeof sealed !== 'string' || sealed.length > BOUNDARY_LIMITS.sealedChars) return undefined;
    const [encoded = '', mac = '', more] = sealed.split('.');
    const bytes = Buffer.from(encoded, 'base64url');
    const text = bytes.toString();
    const given = Buffer.from(mac, 'base64url');
    const expected = this.mac(text, binding);
    const isSame = more === undefined && given.length === expected.length && timingSafeEqual(given, expected);
    return isSame ? text : undefined;
  }

  private mac(text: string, binding: Binding): Buffer {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([...binding, text]))
      .digest();
  }
}
