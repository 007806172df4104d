import { pointer } from '@bailiwick/contracts/policy/catalog-entry';
import { err, ok, type Result } from '@bailiwick/core/result';

/** A piece of a template: text, or a pointer whose value is put in its place. */
export type Piece =
  | { readonly text: string }
  | {
      readonly pointer: string;
      /** its value may contain slashes: several names of a path */
      readonly slashes: boolean;
    };

/**
 * Reads a template such as `mailto:{/to}` or `{+/repo}/issues/{/number}`. A value takes no slash into an id, so that no
 * other arguments have the same id, with two exceptions: the last pointer of a template that ends with it, and a pointer
 * after a `+`, for arguments that are paths (`owner/name`) themselves.
 */
export function readTemplate(template: string): Result<readonly Piece[], string> {
  const parts = template.split(/(\{[^{}]*\})/);
  const pieces: Piece[] = [];
  for (const part of parts) {
    if (part === '') continue;
    const [, plus, path] = /^\{(\+?)(.*)\}$/s.exec(part) ?? [];
    if (path === undefined) {
      if (/[{}]/.test(part)) return err(`has a brace without its counterpart in ${JSON.stringify(part)}`);
      pieces.push({ text: part });
      continue;
    }
    const read = pointer.safeParse(path);
    if (!read.success) return err(`has ${part}, and the text in braces ${read.error.issues[0]?.message ?? ''}`);
    pieces.push({ pointer: path, slashes: plus === '+' });
  }
  const last = pieces[pieces.length - 1];
  if (last && 'pointer' in last) pieces[pieces.length - 1] = { ...last, slashes: true };
  return apart(pieces)
    ? ok(pieces)
    : err('has two pointers without a slash between them; their values would run together');
}

/** Between two pointers there is a slash, which no value without slashes contains. */
function apart(pieces: readonly Piece[]): boolean {
  let isOpen = false;
  for (const piece of pieces) {
    if ('text' in piece) isOpen &&= !piece.text.includes('/');
    else if (isOpen) return false;
    else isOpen = true;
  }
  return true;
}
