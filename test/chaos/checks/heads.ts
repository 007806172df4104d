import { createPublicKey, verify } from 'node:crypto';
import { sha256, type Logged } from '../log';

/**
 * Checks I12 with RFC 6962 §2.1 over the stored bytes: every published signed head is a head of the current log and is
 * signed by the log's key. @see C2SP tlog-checkpoint, signed-note
 */
export function checkHeads(log: readonly Logged[], notes: ReadonlySet<string>, vkey: string): string[] {
  const findings: string[] = [];
  const heads = new Map<number, Set<string>>();
  for (const note of notes) {
    const [origin = '', size = '', root = ''] = note.split('\n');
    if (!isSigned(note, vkey)) findings.push(`the checkpoint of size ${size} is not signed by the key of ${origin}`);
    heads.set(Number(size), (heads.get(Number(size)) ?? new Set()).add(root));
  }
  const subtrees: { size: number; hash: Buffer }[] = [];
  log.forEach(({ body }, i) => {
    push(subtrees, sha256(Buffer.of(0), sha256(body)));
    const root = fold(subtrees).toString('base64');
    for (const published of heads.get(i + 1) ?? [])
      if (published !== root) findings.push(`the root of a checkpoint of size ${i + 1} differs from the log's (I12)`);
  });
  for (const size of heads.keys())
    if (size > log.length)
      findings.push(`a checkpoint of size ${size} was published, but the log has ${log.length} events`);
  return findings;
}

function push(subtrees: { size: number; hash: Buffer }[], leaf: Buffer): void {
  let node = { size: 1, hash: leaf };
  for (let last = subtrees.at(-1); last?.size === node.size; last = subtrees.at(-1)) {
    subtrees.pop();
    node = { size: 2 * node.size, hash: sha256(Buffer.of(1), last.hash, node.hash) };
  }
  subtrees.push(node);
}

const fold = (subtrees: readonly { hash: Buffer }[]): Buffer =>
  subtrees.map(({ hash }) => hash).reduceRight((right, left) => sha256(Buffer.of(1), left, right));

/** `<name>+<8 hex>+<base64 of 0x01 and the Ed25519 key>` */
function isSigned(note: string, vkey: string): boolean {
  const [name = '', , encoded = ''] = vkey.trim().split('+');
  const raw = Buffer.from(vkey.trim().slice(vkey.trim().indexOf('+', name.length + 1) + 1), 'base64');
  if (encoded === '' || raw[0] !== 1) return false;
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: raw.subarray(1).toString('base64url') },
    format: 'jwk',
  });
  const end = note.indexOf('\n\n');
  const signed = Buffer.from(note.slice(0, end + 1));
  const line = note
    .slice(end + 2)
    .split('\n')
    .find((each) => each.startsWith(`— ${name} `));
  const signature = Buffer.from(line?.split(' ')[2] ?? '', 'base64').subarray(4);
  return signature.length === 64 && verify(null, signed, key, signature);
}
