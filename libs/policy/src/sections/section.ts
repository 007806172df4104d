import type { z } from 'zod';
import type { Path } from '../yaml/yaml-file';

/** Reports a fault in one entry of a section. */
export type Report = (
  entry: number,
  path: Path,
  message: string,
  more?: {
    readonly suggestion?: string | undefined;
    readonly other?: number | undefined;
    /** a UTF-16 offset in the text at the path */
    readonly within?: number | undefined;
  },
) => void;

/** A section of a bundle: a list of entries. */
export interface Section<Entry, Compiled> {
  readonly schema: z.ZodType<Entry>;
  /** the most entries of a bundle */
  readonly most: number;
  /** why a file may not have the section without entries, if it may not */
  readonly notEmpty?: string;
  /** Checks entries that fit the schema against one another; what it returns counts only if it reports nothing. */
  compile(entries: readonly Entry[], report: Report): Compiled;
}
