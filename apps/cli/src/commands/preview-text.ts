import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { marked } from '@bailiwick/core/look-alike';
import { costText } from '@bailiwick/core/money';
import { bold, table } from '../render';

/**
 * Prints what a revocation would stop.
 * @param other the option that stops the leases instead of a tool, and what it does
 */
export function printPreview(
  preview: PreviewView,
  target: 'tool' | 'leases' | undefined,
  other: { readonly option: string; readonly does: string },
): void {
  const { counts, byClass, byState, byRisk, byDepth, near = [], mostConsequential, targets } = preview;
  const columns = ['runs', 'trees', 'agents', 'in flight', 'pending approvals', 'reserved'];
  const reserved = [
    costText(counts.reservedCost, ''),
    ...Object.entries(counts.reservedUnits).map(([unit, count]) => `${count} ${unit}`),
  ].filter((each) => each !== '');
  console.log(
    table(
      [target === 'tool' ? 'lose it' : 'grants', ...columns],
      [
        [counts.grants, counts.runs, counts.trees, counts.agents, counts.inFlight, counts.pendingApprovals]
          .map(String)
          .concat(reserved.join(', ') || '0'),
      ],
    ),
  );
  for (const [name, count] of Object.entries(byClass)) console.log(`  ${count} × ${marked(name)}`);
  const risks = Object.entries(byRisk).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  if (risks.length > 0) console.log(`by highest risk: ${risks.join(', ')}`);
  if (byDepth.length > 1) console.log(`by depth: ${byDepth.map((count, depth) => `${depth}: ${count}`).join(', ')}`);
  if (byState.suspended > 0) console.log(`${byState.suspended} of them are suspended`);
  for (const { agentClass, selected, spared } of near) {
    const counted = spared > 0 ? `${spared} × not selected` : `${selected} × selected`;
    console.log(`looks like this class: ${bold(marked(agentClass))}, ${counted}`);
  }
  const [first] = mostConsequential;
  if (first && counts.grants > 1)
    console.log(
      `most consequential: ${first.grantId} (${marked(first.agentClass)}, risk up to ${first.risk}, ${first.inFlight} in flight, ${first.children} children)`,
    );
  if (targets)
    console.log(
      target === 'tool'
        ? `the leases live on; ${other.option} would ${other.does} ${targets.leases.grants}`
        : `without ${other.option} ${targets.tool.grants} would lose it and live on`,
    );
}
