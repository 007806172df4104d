import type { RevocationRecord } from '@bailiwick/contracts/revocations/record';

/**
 * Writes the record of a revocation as lines: `{ item }` for each consequence, `{ progress: { done, of } }` after each page,
 * and at the end `{ answer }`, the revocation without them. A reader that has the answer has the whole record.
 * @param page returns the page after a place
 */
export async function writeRecord(
  first: RevocationRecord,
  page: (after: string) => Promise<RevocationRecord>,
  line: (value: unknown) => void,
): Promise<void> {
  let done = 0;
  for (let now = first; ; now = await page(now.next)) {
    for (const item of now.consequences) line({ item });
    done += now.consequences.length;
    line({ progress: { done, of: first.counts?.rows ?? done } });
    if (now.next === null) break;
  }
  const { consequences: _, next: __, ...answer } = first;
  line({ answer });
}
