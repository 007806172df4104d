import { ProblemError } from '@bailiwick/client/client';
import type { Problem } from '@bailiwick/policy/problem';
import type { GlobalOptions } from '../context';
import { red } from '../render';
import { lineOf } from './policy-folder';

/** Does work that may be refused because of problems of a bundle, which it prints. @param not what is not done then */
export async function reported({ json }: GlobalOptions, not: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const problems = error instanceof ProblemError ? (error.body.problems as Problem[] | undefined) : undefined;
    if (!problems) throw error;
    process.exitCode = 1;
    if (json) return console.log(JSON.stringify({ problems }));
    for (const problem of problems) console.log(lineOf(problem));
    console.log(red(not));
  }
}
