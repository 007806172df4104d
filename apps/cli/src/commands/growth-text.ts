import { ProblemError } from '@bailiwick/client/client';
import { marked } from '@bailiwick/core/look-alike';
import { bold, plain } from '../render';

/** Prints what has grown since the preview that a refused revocation names. @throws the error */
export function withGrowth(error: unknown): never {
  const grew = error instanceof ProblemError && error.code === 'BLAST_RADIUS_GREW' ? error.body.grew : undefined;
  if (isGrowth(grew)) {
    console.error(bold('since the preview:'));
    for (const [name, more] of Object.entries(grew.counts)) console.error(`  ${signed(more)} ${plain(name)}`);
    for (const [name, more] of Object.entries(grew.byClass))
      console.error(`  ${signed(more)} × ${plain(marked(name))}`);
  }
  throw error;
}

const signed = (count: number): string => (count > 0 ? `+${count}` : String(count));

const isGrowth = (value: unknown): value is Record<'counts' | 'byClass', Record<string, number>> =>
  typeof value === 'object' && value !== null && 'counts' in value && 'byClass' in value;
