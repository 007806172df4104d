import { isUtf8 } from 'node:buffer';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { readBody } from '@bailiwick/edge/json-body';
import { Refused } from '@bailiwick/edge/refused';
import { PLAIN_LIMITS } from './plain-limits';
import { collected, readParameters } from './target';

/** A body as a decision has it: by the digest of its bytes, and with its values if it can be read. */
export interface Content {
  readonly bodyDigest?: string;
  readonly body?: unknown;
  /** of a body that is not read: its text, or null if it has none */
  readonly unread?: string | null;
}

/** Reads all bytes of a body. @throws Refused TOO_LARGE, BAD_REQUEST if the client goes away */
export async function readBytes(stream: AsyncIterable<Buffer>, most: number = PLAIN_LIMITS.bodyBytes): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of stream) {
      size += part.length;
      if (size > most) throw new Refused('TOO_LARGE', `the body is larger than ${most} bytes`);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused('BAD_REQUEST', 'the request ended before its body did');
  }
  return Buffer.concat(parts, size);
}

/**
 * Reads what a body states. JSON and forms are read, and one that two readers could read differently is refused; of any
 * other type only the digest is known.
 * @throws Refused BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE
 */
export function readContent(bytes: Buffer, type: string | undefined): Content {
  if (bytes.length === 0) return {};
  const bodyDigest = `sha256:${sha256hex(bytes)}`;
  const [, essence = '', charset] =
    /^([^;]*?)\s*(?:;\s*charset\s*=\s*"?([\w-]+)"?\s*)?$/i.exec(type?.trim() ?? '') ?? [];
  const kind = kindOf(essence.toLowerCase() || (type ?? '').toLowerCase());
  if (kind === undefined)
    return { bodyDigest, unread: /^text\//i.test(essence) && !essence.includes(',') ? textOf(bytes, charset) : null };
  if (essence === '' || (charset !== undefined && charset.toLowerCase() !== 'utf-8'))
    throw new Refused('UNSUPPORTED_MEDIA_TYPE', 'a body of JSON or of a form has no parameter but charset=utf-8');
  if (bytes.length > LIMITS.httpBodyBytes)
    throw new Refused('TOO_LARGE', `a body that is read has at most ${LIMITS.httpBodyBytes} bytes`);
  if (kind === 'json') return { bodyDigest, body: readBody(bytes) };
  const form = readParameters(bytes.toString('latin1'));
  if (!form.ok) throw new Refused('BAD_REQUEST', `the form cannot be read: ${form.error}`);
  return { bodyDigest, body: collected(form.value) };
}

/** In another encoding, its words and addresses would not be found in it: then it has no text. */
const textOf = (bytes: Buffer, charset = 'utf-8'): string | null =>
  /^(utf-8|us-ascii)$/i.test(charset) && isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : null;

/** A type with one of these words in it is read as such by some servers, and must then be readable. */
function kindOf(type: string): 'json' | 'form' | undefined {
  if (/json/.test(type)) return 'json';
  return /x-www-form-urlencoded/.test(type) ? 'form' : undefined;
}
