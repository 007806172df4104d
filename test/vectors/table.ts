import { authzenGateway } from './authzen-gateway/translate';
import { oaaf } from './oaaf/translate';
import { ucanInvocation } from './ucan-invocation/translate';
import { ucanPolicy } from './ucan-policy/translate';
import type { Row } from './verdict';
import { vouchDelegation } from './vouch-delegation/translate';

/** The corpora, each with the number of its vectors. */
export const CORPORA: readonly { readonly name: string; readonly size: number; readonly rows: () => Row[] }[] = [
  { name: 'vouch-delegation', size: 20, rows: vouchDelegation },
  { name: 'ucan-invocation', size: 20, rows: ucanInvocation },
  { name: 'ucan-policy', size: 25, rows: ucanPolicy },
  { name: 'oaaf', size: 51, rows: oaaf },
  { name: 'authzen-gateway', size: 25, rows: authzenGateway },
];

export const OUTCOMES = ['right', 'wrong', 'inexpressible', 'outside'] as const;

/** Writes the counts as a table in Markdown, as test/vectors/README.md has it. */
export function totals(corpora: readonly { readonly name: string; readonly rows: readonly Row[] }[]): string {
  const lines = corpora.map(({ name, rows }) => [
    name,
    rows.length,
    ...OUTCOMES.map((outcome) => rows.filter((row) => row.outcome === outcome).length),
  ]);
  return [['corpus', 'vectors', ...OUTCOMES], ['---', ...OUTCOMES.map(() => '---:'), '---:'], ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
