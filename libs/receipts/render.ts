import type { Custody, Predicate } from '#contracts/receipt';

/** A receipt in words, for a terminal. */
export function renderReceipt(claims: Predicate): string[] {
  const { spent, ended } = claims;
  const money = Object.entries(spent.cost)
    .map(([currency, value]) => `${(value / 100).toFixed(2)} ${currency}`)
    .join(', ');
  return [
    `run       ${claims.run.id} (${claims.agent.class}${claims.agent.instance ? ` ${claims.agent.instance}` : ''})`,
    `asked by  ${claims.requestedBy ?? '(erased)'}`,
    `purpose   ${claims.purpose ?? '(erased)'}${claims.task ? `; task: ${claims.task}` : ''}`,
    ...claims.approvals.map(
      (each) =>
        `approval  ${each.kind}: ${each.verdict}${each.by ? ` by ${each.by}` : ''}${each.note ? ` (${each.note})` : ''}`,
    ),
    `permitted ${claims.actions.length} actions: ${tally(claims.actions.map((each) => `${each.verb} ${each.outcome}`))}`,
    `denied    ${claims.denied.length}${claims.denied.length ? `: ${tally(claims.denied.map((each) => `${each.verb} (${each.decision})`))}` : ''}`,
    `spent     ${spent.calls} calls, ${spent.reads} reads, ${spent.writes} writes, ${spent.external} external${money ? `, ${money}` : ''}`,
    `touched   ${claims.resources.length} resources; files changed: ${claims.filesChanged.join(', ') || 'none'}; external systems: ${claims.external.join(', ') || 'none'}`,
    ...claims.children.map(
      (each, i) =>
        `${i === 0 ? 'children ' : '         '} ${each.agentClass}: ${each.ended ?? 'still going on'} (${each.receipt})`,
    ),
    `ended     ${ended ? `${ended.at}, ${ended.reason}` : 'not yet'}`,
    `revoked   ${claims.revoked.map((each) => each.revocationId).join(', ') || 'nothing'}`,
    ...claims.doesNotProve.map((line, i) => `${i === 0 ? 'not shown ' : '          '}${line}`),
  ];
}

export function renderCustody({ links, findings }: Custody): string[] {
  return [
    ...links.map(
      (link, i) =>
        `${' '.repeat(i)}${i === 0 ? '' : '└ '}${link.link}: ${link.says} (position ${link.position}, by ${link.actor.id})`,
    ),
    ...findings.map((finding) => `FINDING: ${finding}`),
  ];
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(', ');
}
