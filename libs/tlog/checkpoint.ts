import { err, ok, type Result } from '#kernel/result';

/** A tree head: the text inside a signed note. @see https://c2sp.org/tlog-checkpoint */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Buffer;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const lines = text.split('\n');
  if (lines.length < 4 || lines.pop() !== '' || lines.some((line) => line === '')) return err('a checkpoint has an origin, a size and a root, each in a line');
  const [origin, size, root] = lines as [string, string, string];
  if (!/^(0|[1-9]\d{0,19})$/.test(size)) return err('the size of the checkpoint is no whole number');
  const bytes = Buffer.from(root, 'base64');
  if (bytes.length !== 32 || bytes.toString('base64') !== root) return err('the root of the checkpoint is no SHA-256');
  return ok({ origin, size: BigInt(size), root: bytes });
}
