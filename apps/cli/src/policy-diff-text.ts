import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import type {
  CatalogChange,
  Meaning,
  PolicyDiffAnswer,
  PolicyShadowAnswer,
  SectionChange,
} from '@bailiwick/contracts/policy/policy-diff';
import { bold, dim, green, plain, red, table, yellow } from './render';

/** Lines that one part of the text shows at most; the whole is in --json. */
const SHOWN = 20;

/**
 * Formats a comparison of two policies: what the catalog states, milder first; the other sections; what live leases and
 * pending requests would lose; and the decisions that would differ.
 */
export function policyDiffText({ before, after, changes, reach, history }: PolicyDiffAnswer, what: string): string {
  const head = `${bold(`version ${before.version}`)} ${dim(short(before.digest))} → ${bold(plain(what))} ${dim(short(after.digest))}`;
  if (changes.same) return `${head}\n\n${green('no difference')}: both have the same canonical JSON`;
  return [
    head,
    ...catalogParts(changes.catalog.items, changes.catalog.counts),
    ...(changes.approvals.length > 0 ? [approvalsText(changes.approvals)] : []),
    ...changes.sections.filter(({ section }) => section !== 'approvals').map(sectionText),
    leasesText(reach),
    requestsText(reach),
    ...(reach.truncated ? [dim('Not all leases, requests or verbs were compared; the newest were.')] : []),
    historyText(history),
    dim(history.assumes.map((text) => `* ${text}`).join('\n')),
  ].join('\n\n');
}

const short = (digest: string): string => digest.slice(0, 'sha256:'.length + 12);
const numbered = (count: number, one: string, several = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : several}`;

const TITLES: Record<CatalogChange['direction'], readonly [string, (text: string) => string]> = {
  milder: ['milder', red],
  mixed: ['milder in one respect, stricter in another', yellow],
  stricter: ['stricter', green],
  other: ['the same for decisions', dim],
};

function catalogParts(
  items: readonly CatalogChange[],
  counts: PolicyDiffAnswer['changes']['catalog']['counts'],
): string[] {
  return (Object.keys(TITLES) as CatalogChange['direction'][]).flatMap((direction) => {
    const count = counts[direction] ?? 0;
    if (count === 0) return [];
    const [title, paint] = TITLES[direction];
    const own = items.filter((each) => each.direction === direction);
    const rows = own.slice(0, SHOWN).map((each) => [`  ${each.name}`, each.about, each.change, changeText(each)]);
    return [
      [
        paint(`${numbered(count, 'meaning')} ${title}`),
        ...(rows.length > 0 ? [table(undefined, rows)] : []),
        ...more(count - rows.length),
      ].join('\n'),
    ];
  });
}

/** `write, medium → external, high`, followed by what else its entry states differently. */
function changeText({ before, after, members }: CatalogChange): string {
  const others = members.filter((each) => !['effects', 'risk', 'stage', 'labels', 'obligations'].includes(each));
  const suffix = others.length > 0 ? ` (${others.join(', ')})` : '';
  if (!before || !after) return `${meaningText(after ?? before)}${suffix}`;
  const [was, is] = differing(before, after);
  return was === is ? `${meaningText(after)}${suffix}` : `${was} → ${is}${suffix}`;
}

/** Returns the parts in which two meanings differ. */
function differing(before: Meaning, after: Meaning): [string, string] {
  const parts = (['effects', 'risk', 'stage', 'labels', 'obligations'] as const).filter(
    (part) => partText(before, part) !== partText(after, part),
  );
  const textOf = (of: Meaning): string => {
    const texts = parts.map((part) => partText(of, part));
    return `${of.by === 'doubt' ? 'in doubt: ' : ''}${texts.join(', ')}`;
  };
  return [textOf(before), textOf(after)];
}

function partText(of: Meaning, part: 'effects' | 'risk' | 'stage' | 'labels' | 'obligations'): string {
  if (part === 'obligations')
    return of.obligations ? `must ${of.obligations.map(obligationText).join(', ')}` : 'no obligations';
  if (part === 'effects') return of.effects.join('+');
  if (part === 'labels') return of.labels.length > 0 ? `[${of.labels.join(' ')}]` : 'no labels';
  return part === 'risk' ? `${of.risk} risk` : of.stage;
}

const meaningText = (of: Meaning | undefined): string =>
  of ? (['effects', 'risk', 'stage'] as const).map((part) => partText(of, part)).join(', ') : '';

/** Lists rules about approvals by what they mean: who may approve, how many, what one approval covers. */
function approvalsText(changes: PolicyDiffAnswer['changes']['approvals']): string {
  const shown = changes.slice(0, SHOWN).flatMap(({ name, change, direction, says }) => {
    const [title, paint] = TITLES[direction];
    const head = name === '*' ? `the section is ${change}` : `${name}: ${change}`;
    return [`  ${paint(`${plain(head)}, ${title}`)}`, ...says.map((each) => `    ${plain(each)}`)];
  });
  return [bold('approvals'), ...shown, ...more(changes.length - Math.min(changes.length, SHOWN))].join('\n');
}

function sectionText({ section, added, removed, changed, reordered }: SectionChange): string {
  const parts = (
    [
      ['added', added],
      ['removed', removed],
      ['changed', changed],
    ] as const
  ).filter(([, { count }]) => count > 0);
  const counts = parts.map(([name, { count }]) => `${count} ${name}`);
  return [
    `${bold(plain(section))}: ${reordered ? 'the same entries in another order' : counts.join(', ')}`,
    ...parts.flatMap(([name, { count, names }]) => [
      ...names
        .slice(0, SHOWN)
        .map((each) => `  ${name === 'added' ? '+' : name === 'removed' ? '-' : '~'} ${plain(each)}`),
      ...more(count - Math.min(count, SHOWN)),
    ]),
  ].join('\n');
}

function leasesText({ verbs, grants }: PolicyDiffAnswer['reach']): string {
  const of = `of ${numbered(grants.checked, 'live lease')} would lose something`;
  const head = `${grants.count > 0 ? red(`${grants.count.toLocaleString('en-US')} ${of}`) : `${green('0')} ${of}`} ${dim(`(${numbered(verbs, 'verb or tool counts', 'verbs and tools count')} as something else)`)}`;
  const classes = Object.entries(grants.byClass).map(([name, count]) => `${plain(name)} ${count}`);
  const rows = grants.items
    .slice(0, SHOWN)
    .map(({ grantId, agentClass, losses, narrower }) => [
      `  ${grantId}`,
      agentClass,
      [
        ...losses
          .slice(0, 3)
          .map(({ verb, before, after, code }) => `${verb}: ${before} → ${after}${code ? ` ${code}` : ''}`),
        ...(narrower.length > 0 ? [`its manifest allows less: ${narrower.join(', ')}`] : []),
      ].join('; '),
    ]);
  return [
    head,
    ...(classes.length > 0 ? [`  by class: ${classes.slice(0, SHOWN).join(', ')}`] : []),
    ...(rows.length > 0 ? [table(undefined, rows)] : []),
    ...more(grants.count - rows.length),
  ].join('\n');
}

function requestsText({ approvals }: PolicyDiffAnswer['reach']): string {
  const of = `of ${numbered(approvals.checked, 'pending request')} would be asked or answered in another way`;
  return [
    approvals.count > 0 ? yellow(`${approvals.count} ${of}`) : `${green('0')} ${of}`,
    ...approvals.items
      .slice(0, SHOWN)
      .map(
        ({ approvalId, verb, why }) =>
          `  ${approvalId}  ${verb === undefined ? 'a lease' : plain(verb)}: ${plain(why)}`,
      ),
    ...more(approvals.count - Math.min(approvals.count, SHOWN)),
  ].join('\n');
}

/** Formats what a candidate in shadow would have decided otherwise. */
export function policyShadowText(
  { digest, version, at, by, until, history }: PolicyShadowAnswer,
  isOver: boolean,
): string {
  const head = `${bold('candidate')} ${dim(short(digest))} next to version ${version}, since ${at} by ${plain(by)}, ${isOver ? 'ended' : 'until'} ${until}`;
  return [head, historyText(history), dim(history.assumes.map((text) => `* ${text}`).join('\n'))].join('\n\n');
}

function historyText({ log, from, to, decided, differ, groups }: PolicyDiffAnswer['history']): string {
  const of = `of the last ${numbered(decided, 'decision')} would differ`;
  const head = `${differ > 0 ? yellow(`${differ.toLocaleString('en-US')} ${of}`) : `${green('0')} ${of}`} ${dim(`(${log}, positions ${from} to ${to})`)}`;
  const shown = groups.slice(0, SHOWN);
  const rows = shown.map(({ count, verb, before, after, code, example }) => [
    `  ${count.toLocaleString('en-US')}`,
    verb,
    `${before} → ${after}`,
    code ?? '',
    example,
  ]);
  return [
    head,
    ...(rows.length > 0 ? [table(['  count', 'verb', 'decision', 'reason', 'for example'], rows)] : []),
    ...more(groups.length - shown.length, 'group'),
  ].join('\n');
}

const more = (count: number, what = 'other'): string[] =>
  count > 0 ? [dim(`  and ${numbered(count, what)}; --json lists more`)] : [];
