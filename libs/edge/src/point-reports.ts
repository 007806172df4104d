import { createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import {
  pointReport,
  signedReport,
  type LogReport,
  type PointReport,
  type SignedReport,
} from '@bailiwick/contracts/enforcement/report';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * The identity of one process that is an enforcement point. Its name is derived from its public key, so that no process can
 * report for another, although all of a kind are the same user of NATS.
 */
export class PointIdentity {
  private readonly privateKey: KeyObject;
  private readonly key: string;
  readonly name: string;

  constructor(kind: PointReport['kind']) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.privateKey = privateKey;
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    this.key = spki.toString('base64url');
    this.name = nameOf(kind, spki);
  }

  sign(report: PointReport): SignedReport {
    const text = JSON.stringify(report);
    return {
      report: text,
      key: this.key,
      signature: sign(null, Buffer.from(text), this.privateKey).toString('base64url'),
    };
  }
}

/**
 * Leaves out the oldest aborts of each log if all together are too many: a report that is too large would not be read, and
 * with it nothing that this process enforces.
 */
export function withinReport(logs: readonly LogReport[]): LogReport[] {
  const total = logs.reduce((sum, { aborted }) => sum + aborted.length, 0);
  if (total <= LIMITS.abortsPerReport) return [...logs];
  const most = Math.max(1, Math.floor(LIMITS.abortsPerReport / logs.length));
  return logs.map((log) => ({ ...log, aborted: log.aborted.slice(-most) }));
}

/** Reads a report, and the name of the process that signed it; undefined if it is not signed by the key that it states. */
export function readReport(raw: unknown): (PointReport & { readonly name: string }) | undefined {
  const signed = signedReport.safeParse(raw);
  if (!signed.success) return undefined;
  const { report, key, signature } = signed.data;
  try {
    const spki = Buffer.from(key, 'base64url');
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    if (publicKey.asymmetricKeyType !== 'ed25519') return undefined;
    if (!verify(null, Buffer.from(report), publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    const read = pointReport.safeParse(JSON.parse(report));
    // of the key as it is written again: another encoding of the same key is not another point
    const name = nameOf('boundary', publicKey.export({ type: 'spki', format: 'der' }));
    return read.success ? { ...read.data, name } : undefined;
  } catch {
    return undefined;
  }
}

const nameOf = (kind: string, spki: Buffer): string => `${kind}-${sha256hex(spki).slice(0, 16)}`;
