import type {
  ActionPredicate,
  Custody,
  Period,
  Predicate,
  RunClaims,
  TreePredicate,
} from '@bailiwick/contracts/receipts/receipt';
import { marked } from '@bailiwick/core/look-alike';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';
import type { Claims } from './kinds';
import { bundleText } from './lease-text';
import { precedes } from './period';
import { shownStatements } from './shown-statements';

/** Replaces a text that was erased or that the receipt does not contain. */
export const GONE = '(erased or withheld)';

/** Renders a receipt as text for a terminal. */
export function renderReceipt(claims: Claims): string[] {
  const own = 'tree' in claims ? ofTree(claims) : 'custody' in claims ? ofAction(claims) : ofRun(claims);
  return [...own, ...closing(claims)];
}

/** Names the person together with the caller that stated them: nothing else proves that the person asked. */
export const askedBy = (person: string | null, statedBy: string | undefined): string =>
  `${person === null ? GONE : marked(person)} (stated by ${statedBy ?? 'the caller that opened the run'})`;

function closing({
  absent,
  imported = [],
  doesNotProve,
}: Pick<Predicate, 'absent' | 'imported' | 'doesNotProve'>): string[] {
  return [
    ...imported.map(({ events, origin }) => `imported  the events before position ${events}, from ${origin}`),
    ...(absent.length > 0
      ? [`missing   the payloads of ${counted(absent.length, 'event')}: ${absentText(absent)}`]
      : []),
    ...shownStatements(doesNotProve).map((line, i) => `${i === 0 ? 'unproven  ' : '          '}${line}`),
  ];
}

/** Formats a count: `1 call`, `3 calls`. */
export const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

/** Names the period of a receipt; `until` is exclusive. */
export const periodText = ({ from, until }: Period): string =>
  `from ${from.replace('.000Z', 'Z')} until ${until.replace('.000Z', 'Z')}`;

/** Describes a run without an end in the receipt. */
export const notEndedText = (period: Period | undefined): string =>
  period === undefined || period.open ? 'has not ended' : 'had not ended when the period did';

type Amounts = Readonly<Record<string, number>>;
/** Formats amounts of money and units, each with a suffix. */
export const amountsText = (cost: Amounts, units: Amounts = {}, suffix = ''): string =>
  [
    ...Object.entries(cost).map(([currency, value]) => money(value, currency)),
    ...Object.entries(units).map(([unit, value]) => quantity(value, unit)),
  ]
    .map((text) => `${text}${suffix}`)
    .join(', ');

function absentText(absent: Predicate['absent']): string {
  const erased = absent.filter(({ erasedAt }) => erasedAt !== undefined).length;
  return `${erased} erased, ${absent.length - erased} withheld`;
}

function ofTree({ tree, purpose, requestedBy, requestedByStatedBy, runs, spent }: TreePredicate): string[] {
  const shown = new Set<RunClaims>();
  const below = (parent: string | undefined, depth: number): string[] =>
    childrenOf(parent, runs, shown).flatMap((each) => [
      `${'  '.repeat(depth)}${depth === 0 ? '' : '└ '}${marked(each.agent.class)} ${each.run.id}: ${tallyOf(each)}; ${each.ended?.reason ?? notEndedText(undefined)}`,
      ...below(each.run.id, depth + 1),
    ]);
  return [
    `tree      ${tree.id}, ${counted(runs.length, 'run')}`,
    `asked by  ${askedBy(requestedBy, requestedByStatedBy)}`,
    `purpose   ${purpose ?? GONE}`,
    `spent     ${spentText(spent)}`,
    ...below(undefined, 0).map((line) => `  ${line}`),
  ];
}

/** Returns each run at most once, so that a forged run that names itself as its ancestor does not cause a loop. */
export function childrenOf(parent: string | undefined, runs: readonly RunClaims[], shown: Set<RunClaims>): RunClaims[] {
  const found = runs.filter((each) => each.run.parentRunId === parent && !shown.has(each));
  for (const each of found) shown.add(each);
  return found;
}

const tallyOf = ({ actions, denied, spent }: RunClaims): string =>
  `${actions.length} permitted, ${denied.length} denied or stepped up, ${spentText(spent)}`;

function ofAction({
  action,
  denied,
  run,
  agent,
  purpose,
  requestedBy,
  requestedByStatedBy,
  custody,
}: ActionPredicate): string[] {
  const what = action ?? denied;
  return [
    `action    ${custody.actionId}: ${what?.verb ?? ''} on ${what?.resource.type ?? ''} ${what?.resource.id ?? ''}`,
    `by        ${run.id} (${marked(agent.class)})`,
    `asked by  ${askedBy(requestedBy, requestedByStatedBy)}`,
    `purpose   ${purpose ?? GONE}`,
    action ? `permitted ${action.time}, ${action.outcome}` : `refused   ${denied?.reasons.join('; ') ?? ''}`,
    ...renderCustody(custody).map((line) => `  ${line}`),
  ];
}

function ofRun(claims: RunClaims): string[] {
  const { spent, ended, period } = claims;
  return [
    `run       ${claims.run.id} (${marked(claims.agent.class)}${claims.agent.instance ? ` ${marked(claims.agent.instance)}` : ''})${period ? `, ${periodText(period)}${period.open ? ' (not over yet)' : ''}` : ''}`,
    `asked by  ${askedBy(claims.requestedBy, claims.requestedByStatedBy)}`,
    `purpose   ${claims.purpose ?? GONE}${claims.task ? `; task: ${claims.task}` : ''}`,
    ...claims.approvals.map(
      (each) =>
        `approval  ${each.kind}: ${each.verdict}${each.breakGlass ? ' BREAK-GLASS' : ''}${each.by ? ` by ${[...(each.also ?? []), each.by].join(', ')}` : ''}${each.note ? ` (${each.note})` : ''}`,
    ),
    ...claims.escalations.map(
      (each) =>
        `escalated ${each.bundle ? `for ${bundleText(each.bundle)}: ` : ''}${each.reason ?? GONE} (${each.verdict}); refused before: ${triedText(each.tried, claims)}`,
    ),
    ...permittedText(claims),
    `denied    ${claims.denied.length}${claims.denied.length ? `: ${tally(claims.denied.map((each) => `${each.verb} (${each.decision})`))}` : ''}`,
    `spent     ${spentText(spent)}`,
    ...(claims.tenantBudgets ?? []).map(
      ({ name, drew }) => `drew      from the tenant budget ${name}: ${spentText(drew)}`,
    ),
    `touched   ${counted(claims.resources.length, 'resource')}; files changed: ${claims.filesChanged.join(', ') || 'none'}; external systems: ${claims.external.join(', ') || 'none'}`,
    ...claims.children.map(
      (each, i) =>
        `${i === 0 ? 'children ' : '         '} ${marked(each.agentClass)}: ${each.ended ?? notEndedText(period)} (${each.receipt})`,
    ),
    ...claims.suspensions.map(
      (each) =>
        `suspended ${each.time} by ${each.by}: ${each.reason}; ${each.resumedAt ? `resumed ${each.resumedAt}` : 'not resumed'}`,
    ),
    `ended     ${ended ? `${ended.at}, ${ended.reason}` : period ? 'not by the end of the period' : 'not yet'}`,
    `revoked   ${claims.revoked.map((each) => each.revocationId).join(', ') || 'nothing'}`,
  ];
}

/** Summarizes the permitted actions; those that a period took over from the time before it separately. */
function permittedText({ period, actions }: RunClaims): string[] {
  const earlier = period ? actions.filter((each) => precedes(each, period)) : [];
  const line = (label: string, of: readonly RunClaims['actions'][number][]): string =>
    `${label} ${counted(of.length, 'action')}${of.length > 0 ? ': ' : ''}${tally(of.map((each) => `${each.verb} ${each.outcome}`))}`;
  return [
    line('permitted', earlier.length > 0 ? actions.filter((each) => !earlier.includes(each)) : actions),
    ...(earlier.length > 0 ? [`${line('earlier  ', earlier)}; permitted before the period`] : []),
  ];
}

/** Summarizes the denied and stepped-up actions that preceded an escalation. */
export function triedText(tried: readonly string[], { denied }: Pick<RunClaims, 'denied'>): string {
  const known = denied.filter(({ id }) => tried.includes(id));
  return tally(known.map(({ verb, decision }) => `${verb} (${decision})`)) || 'nothing';
}

/** Formats counts, and amounts in the units of their currency. */
export function spentText({ calls, reads, writes, external, cost, units = {} }: RunClaims['spent']): string {
  const counts = `${counted(calls, 'call')}, ${counted(reads, 'read')}, ${counted(writes, 'write')}, ${external} external`;
  return [counts, amountsText(cost, units)].filter((part) => part !== '').join(', ');
}

export function renderCustody({ links, findings }: Custody): string[] {
  return [
    ...links.map(
      (link, i) =>
        `${' '.repeat(i)}${i === 0 ? '' : '└ '}${link.imported ? '[imported] ' : ''}${link.link}: ${link.says} (position ${link.position}, by ${link.actor.id})`,
    ),
    ...findings.map((finding) => `FINDING: ${finding}`),
  ];
}

export function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(', ');
}
