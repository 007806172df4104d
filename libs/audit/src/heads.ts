import { parseCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { openNote, type Verifier } from '@bailiwick/transparency-log/note';
import type { Finding } from './finding';

/** A checkpoint as it is kept, or as somebody held it: the text of a signed note. */
export interface SignedHead {
  /** what the keeper says of it, where somebody does */
  readonly size?: number;
  readonly root?: Buffer;
  readonly note: string;
}

interface Head {
  readonly size: number;
  readonly root: Buffer;
}

/** The heads of a log whose signatures are good, the smallest first; and what is wrong with the others. */
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
  if (!opened.ok) return `cannot be believed: ${opened.error}`;
  const parsed = parseCheckpoint(opened.value.text);
  if (!parsed.ok) return `cannot be read: ${parsed.error}`;
  const head = { size: Number(parsed.value.size), root: parsed.value.root };
  if (origin !== undefined && parsed.value.origin !== origin) return `is of ${parsed.value.origin}, not of ${origin}`;
  if (size !== undefined && size !== head.size) return `is kept as one of size ${size}, and says ${head.size}`;
  if (root !== undefined && !root.equals(head.root)) return 'has another root than the events';
  return head;
}
