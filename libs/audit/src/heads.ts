import { parseCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { openNote, type Verifier } from '@bailiwick/transparency-log/note';
import type { Finding } from './finding';

/** A stored checkpoint, or one that a client obtained earlier: the text of a signed note. */
export interface SignedHead {
  /** the size and root that are stored with it, if any */
  readonly size?: number;
  readonly root?: Buffer;
  readonly note: string;
}

interface Head {
  readonly size: number;
  readonly root: Buffer;
}

/** Returns the heads with valid signatures, the smallest first, and a finding for each of the others. */
export function openHeads(
  heads: readonly SignedHead[],
  origin: string | undefined,
  keys: readonly Verifier[],
): { heads: Head[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const good: Head[] = [];
  for (const head of heads) {
    const opened = openHead(head, origin, keys);
    if (typeof opened === 'string')
      findings.push({
        check: 'checkpoint',
        position: undefined,
        detail: `the checkpoint${head.size === undefined ? '' : ` of size ${head.size}`} ${opened}`,
      });
    else good.push(opened);
  }
  return { heads: good.sort((a, b) => a.size - b.size), findings };
}

function openHead(
  { size, root, note }: SignedHead,
  origin: string | undefined,
  keys: readonly Verifier[],
): Head | string {
  const opened = openNote(note, keys);
  if (!opened.ok) return `is not valid: ${opened.error}`;
  const parsed = parseCheckpoint(opened.value.text);
  if (!parsed.ok) return `cannot be read: ${parsed.error}`;
  const head = { size: Number(parsed.value.size), root: parsed.value.root };
  if (origin !== undefined && parsed.value.origin !== origin)
    return `belongs to ${parsed.value.origin}, not to ${origin}`;
  if (size !== undefined && size !== head.size) return `is stored with size ${size}, but states ${head.size}`;
  if (root !== undefined && !root.equals(head.root)) return 'has another root than the events';
  return head;
}
