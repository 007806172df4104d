import { remembered, rememberedLast } from '@bailiwick/core/memo';
import { isGlob } from './glob';

/**
 * The forms of a name of a resource: a relative path, an absolute path (`/todos/5`), a URL of `http` or of `https`. No
 * name has two forms, and a pattern covers names of the same form only: `**` covers relative names, as it always has,
 * `/**` absolute ones, `https://**` URLs.
 */
export type Form = 'relative' | 'absolute' | 'http' | 'https';

export interface Path {
  readonly form: Form;
  /**
   * The segments that patterns compare: those of an absolute path start with one without text, which is the root; those of
   * a URL start with its host. The scheme is in `form`.
   */
  readonly segments: readonly string[];
  readonly hasGlobs: boolean;
}

const SLASH = 47;

/** Returns the form of a normalized name or pattern. */
export function formOf(text: string): Form {
  if (text.charCodeAt(0) === SLASH) return 'absolute';
  if (text.startsWith('https://')) return 'https';
  return text.startsWith('http://') ? 'http' : 'relative';
}

/** Returns the segments of a normalized name or pattern. */
export function segmentsOfName(text: string, form = formOf(text)): readonly string[] {
  if (form === 'relative') return text.split('/');
  if (form === 'absolute') return text === '/' ? [''] : text.split('/');
  return text.slice(form.length + '://'.length).split('/');
}

/** Returns a normalized pattern as form and segments. */
export const pathOf: (pattern: string) => Path = remembered((text) => {
  const form = formOf(text);
  const segments = segmentsOfName(text, form);
  return { form, segments, hasGlobs: segments.some(isGlob) };
}, 10_000);

/** Returns the same of a concrete name, of which a decision compares one with many patterns. */
export const nameOf: (id: string) => Pick<Path, 'form' | 'segments'> = rememberedLast((id) => {
  const form = formOf(id);
  return { form, segments: segmentsOfName(id, form) };
});
