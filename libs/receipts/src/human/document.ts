import type {
  ActionPredicate,
  ActionStatement,
  Custody,
  RunClaims,
  RunStatement,
  Statement,
  TreeStatement,
} from '@bailiwick/contracts/receipts/receipt';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import { ACTION_RECEIPT, TREE_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import { named, type PersonNames } from '@bailiwick/contracts/people/person-names';
import { marked } from '@bailiwick/core/look-alike';
import {
  amountsText,
  askedBy,
  childrenOf,
  counted,
  GONE,
  periodText,
  spentText,
  notEndedText,
  triedText,
} from '../render';
import { bundleText } from '../lease-text';
import { shownStatements } from '../shown-statements';
import type { Verification } from '../web/verify-steps';
import { heading, section, text, type Block, type Branch, type Document } from './blocks';
import { budgetsOf } from './budgets';
import { periodBlocks, periodBudgets } from './period';
import { classesOf, countedText, timelineOf } from './timeline';
import { verdictOf } from './verdict';

// Builds a human-readable receipt independent of its format; `markdown.ts` and `html.ts` format and escape it.

/**
 * Builds the document of a receipt: subject, verification, tree, timeline, budgets, and what it does not prove. Most of
 * its texts come from agents and their callers: formatters escape all of them.
 * @param verification the result for this statement; if absent, the document states that it was not verified
 * @param keys the verifier keys of the verification, one per line
 * @param names the names of people; without them, refs are shown
 */
export function documentOf(
  signed: Statement,
  verification?: Verification,
  keys?: string,
  names: PersonNames = {},
): Document {
  const statement = { ...signed, predicate: named<unknown>(signed.predicate, names) } as Statement;
  const { predicate } = statement;
  const own =
    statement.predicateType === TREE_RECEIPT
      ? ofTree(statement)
      : statement.predicateType === ACTION_RECEIPT
        ? ofAction(statement)
        : ofRun(statement);
  return {
    title: own.title,
    blocks: [
      { kind: 'verification', verdict: verdictOf(verification, keys) },
      ...own.blocks,
      heading('Timeline'),
      {
        kind: 'table',
        head: ['position', 'time', 'by', 'what happened'],
        rows: timelineOf(predicate.events, 'run' in predicate ? predicate.run.id : undefined, names),
      },
      ...section('Missing payloads', predicate.absent.length > 0, {
        kind: 'list',
        items: predicate.absent.map(
          ({ position, type, erasedAt }) =>
            `of ${type} at position ${position}: ${erasedAt === undefined ? 'withheld; no erasure is recorded' : `erased, as recorded at position ${erasedAt}`}`,
        ),
      }),
      heading('What this receipt does not prove'),
      { kind: 'list', items: shownStatements(predicate.doesNotProve) },
    ],
  };
}

/** Moves the headings of one of several runs one level down. */
const below = (blocks: readonly Block[]): Block[] =>
  blocks.map((block) => (block.kind === 'heading' ? { ...block, level: 3 } : block));
const or = (text: string | null | undefined): string => text ?? GONE;

function ofRun({ predicate: claims }: RunStatement): Document {
  return {
    title: `Receipt of ${marked(claims.agent.class)}, ${claims.run.id}${claims.period ? `, ${periodText(claims.period)}` : ''}`,
    blocks: [
      { kind: 'facts', rows: factsOf(claims) },
      ...periodBlocks(claims),
      heading('Tree'),
      { kind: 'tree', roots: [lineTo(claims, classesOf(claims.events))] },
      ...partsOf(claims),
    ],
  };
}

function factsOf(claims: RunClaims): [string, string][] {
  const { agent, ended, period } = claims;
  return [
    ...(period
      ? [
          ['period', `${periodText(period)}${period.open ? '; not over when this receipt was made' : ''}`] as [
            string,
            string,
          ],
        ]
      : []),
    ['asked by', askedBy(claims.requestedBy, claims.requestedByStatedBy)],
    ['purpose', or(claims.purpose)],
    ...(claims.task === undefined ? [] : [['task', or(claims.task)] as [string, string]]),
    [
      'agent',
      [agent.class, agent.instance, agent.posture?.model, agent.posture?.modelVersion]
        .filter((each) => each !== undefined)
        .map(marked)
        .join(' '),
    ],
    ['started', claims.run.startedAt],
    [
      'ended',
      ended ? `${ended.at}, ${ended.reason}, by ${ended.by}` : period ? 'not by the end of the period' : 'not yet',
    ],
    [period ? 'spent in the period' : 'spent', spentText(claims.spent)],
    [
      'drift',
      claims.drift.scores === 0
        ? 'not scored'
        : `at most ${claims.drift.highest} in ${counted(claims.drift.scores, 'score')}`,
    ],
    ['files changed', claims.filesChanged.join(', ') || 'none'],
    ['external systems', claims.external.join(', ') || 'none'],
    ['resources', claims.resources.join(', ') || 'none'],
  ];
}

/** Builds the tree of a run: the runs above it, the run, and its children. */
function lineTo(
  { grants, run, period, agent, children, ended }: RunClaims,
  classes: ReadonlyMap<string, string>,
): Branch {
  const own: Branch = {
    text: `${marked(agent.class)} ${run.id}: ${ended?.reason ?? notEndedText(period)}`,
    below: children.map((child) => ({
      text: `${marked(child.agentClass)} ${child.runId}${child.task ? ` (${child.task})` : ''}: ${child.ended ?? notEndedText(period)}`,
      below: [],
    })),
  };
  const above = [...new Set(grants.map(({ runId }) => runId))].filter((runId) => runId !== run.id).reverse();
  return above.reduce(
    (below, runId): Branch => ({ text: `${classes.get(runId) ?? 'run'} ${runId}`, below: [below] }),
    own,
  );
}

const verdictText = ({ verdict, scope, breakGlass }: RunClaims['approvals'][number]): string =>
  [verdict, ...(scope === undefined ? [] : [`for the ${scope}`]), ...(breakGlass ? ['BREAK-GLASS'] : [])].join(', ');

/**
 * Builds the sections of a run: budgets, approvals, actions and refusals.
 * @param runs all runs of its tree, if the receipt contains them
 */
function partsOf(claims: RunClaims, runs?: readonly RunClaims[]): Block[] {
  const budgets = budgetsOf(claims, runs);
  const { approvals, actions, escalations, suspensions, revoked, delegationsRefused } = claims;
  return [
    ...section(
      'Budgets',
      budgets !== undefined,
      ...(claims.period
        ? periodBudgets(budgets?.rows ?? [])
        : [{ kind: 'budgets', rows: budgets?.rows ?? [] } as const]),
      ...(budgets?.says ?? []).map(text),
    ),
    ...section('Approvals', approvals.length > 0, {
      kind: 'table',
      head: ['position', 'for', 'verdict', 'by', 'note'],
      rows: approvals.map((each) => [
        String(each.position),
        each.kind,
        verdictText(each),
        [...(each.also ?? []), each.by ?? ''].join(', '),
        each.note ?? '',
      ]),
    }),
    ...section('Permitted actions', actions.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'action', 'on', 'outcome', 'cost'],
      rows: actions.map((each) => [
        String(each.position),
        each.time,
        each.tool === undefined ? each.verb : `${each.verb} (${marked(each.tool)})`,
        `${each.resource.type} ${each.resource.id}`,
        each.late ? `${each.outcome}; ${each.late.status}, reported late (${each.late.position})` : each.outcome,
        chargedText(each),
      ]),
    }),
    ...obligationsIn(actions),
    ...refusalsOf(claims),
    ...section('Escalations', escalations.length > 0, {
      kind: 'table',
      head: ['position', 'why', 'refused before', 'verdict'],
      rows: escalations.map((each) => [
        String(each.position),
        each.bundle ? `${bundleText(each.bundle)}: ${or(each.reason)}` : or(each.reason),
        triedText(each.tried, claims),
        each.verdict,
      ]),
    }),
    ...section('Delegations refused', delegationsRefused.length > 0, {
      kind: 'table',
      head: ['position', 'to', 'code', 'why'],
      rows: delegationsRefused.map((each) => [String(each.position), marked(each.agentClass), each.code, each.detail]),
    }),
    ...section('Suspensions', suspensions.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'by', 'why', 'resumed'],
      rows: suspensions.map((each) => [String(each.position), each.time, each.by, each.reason, each.resumedAt ?? 'no']),
    }),
    ...changesOf(claims),
    ...section('Revoked', revoked.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'revocation', 'why'],
      rows: revoked.map((each) => [String(each.position), each.time, each.revocationId, each.reason]),
    }),
  ];
}

/** Builds the section of leases that changed after they were issued. */
function changesOf({ period, renewals = [], narrowings = [] }: RunClaims): Block[] {
  const rows = [
    ...renewals.map((each) => ({
      ...each,
      what: renewedText(each, period),
    })),
    ...narrowings.map((each) => ({ ...each, what: `narrowed by ${each.by}` })),
  ].sort((a, b) => a.position - b.position);
  return section('Renewed or narrowed', rows.length > 0, {
    kind: 'table',
    head: ['position', 'time', 'lease', 'what'],
    rows: rows.map((each) => [String(each.position), each.time, each.grantId, each.what]),
  });
}

function renewedText({ times, until }: { times: number; until: string }, period: RunClaims['period']): string {
  if (times === 0) return `renewed before the period, last until ${until}`;
  return `renewed ${times === 1 ? 'once' : `${times} times`}${period ? ' in the period' : ''}, last until ${until}`;
}

/** Lists what permits obliged the enforcement point to do. */
function obligationsIn(actions: RunClaims['actions']): Block[] {
  const rows = actions.flatMap(({ position, verb, obligations = [] }) =>
    obligations.map((each) => [String(position), verb, marked(obligationText(each))]),
  );
  return section('Obligations of permits', rows.length > 0, {
    kind: 'table',
    head: ['position', 'action', 'the enforcement point must'],
    rows,
  });
}

/** Builds the sections of refused actions: those with an event each, and those that were only counted. */
function refusalsOf({ denied, refusedMore = [] }: RunClaims): Block[] {
  return [
    ...section('Denied or stepped up', denied.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'action', 'on', 'decision', 'why'],
      rows: denied.map((each) => [
        String(each.position),
        each.time,
        each.verb,
        `${each.resource.type} ${each.resource.id}`,
        each.decision,
        each.reasons.join('; '),
      ]),
    }),
    ...section('Further refusals, counted only', refusedMore.length > 0, {
      kind: 'table',
      head: ['position', 'since', 'until', 'count', 'refusals'],
      rows: refusedMore.map((each) => [
        String(each.position),
        each.since,
        each.time,
        String(each.total),
        countedText(each.refused),
      ]),
    }),
  ];
}

/** Formats the reported cost and units, and the charged ones if they are less. */
const chargedText = ({ cost, charged, units, chargedUnits, outcome }: RunClaims['actions'][number]): string =>
  charged === undefined
    ? amountsText(cost, units, outcome === 'open' ? ' reserved' : '')
    : `${amountsText(cost, units)} reported, ${amountsText(charged, chargedUnits) || 'nothing'} charged`;

function ofTree({
  predicate: { tree, purpose, requestedBy, requestedByStatedBy, runs, spent },
}: TreeStatement): Document {
  const shown = new Set<RunClaims>();
  const branches = (parent: string | undefined): Branch[] =>
    childrenOf(parent, runs, shown).map((each) => ({
      text: `${marked(each.agent.class)} ${each.run.id}${each.task ? ` (${each.task})` : ''}: ${each.actions.length} permitted, ${each.denied.length} denied or stepped up; ${each.ended?.reason ?? notEndedText(undefined)}`,
      below: branches(each.run.id),
    }));
  const common = [
    ['asked by', askedBy(requestedBy, requestedByStatedBy)],
    ['purpose', or(purpose)],
  ] as const;
  const isCommon = (fact: readonly string[]): boolean => common.some((each) => each.join() === fact.join());
  return {
    title: `Receipt of the tree ${tree.id}`,
    blocks: [
      {
        kind: 'facts',
        rows: [...common, ['started', tree.startedAt], ['runs', String(runs.length)], ['spent', spentText(spent)]],
      },
      heading('Tree'),
      { kind: 'tree', roots: branches(undefined) },
      ...runs.flatMap((claims): Block[] => [
        heading(`Run ${claims.run.id}, ${marked(claims.agent.class)}`),
        { kind: 'facts', rows: factsOf(claims).filter((fact) => !isCommon(fact)) },
        ...below(partsOf(claims, runs)),
      ]),
    ],
  };
}

function ofAction({ predicate }: ActionStatement): Document {
  const { action, denied, custody } = predicate;
  const what = action ?? denied;
  return {
    title: `Receipt of ${what?.verb ?? 'an action'}, ${custody.actionId}`,
    blocks: [
      {
        kind: 'facts',
        rows: [
          ['asked by', askedBy(predicate.requestedBy, predicate.requestedByStatedBy)],
          ['purpose', or(predicate.purpose)],
          ['agent', `${marked(predicate.agent.class)}, ${predicate.run.id}`],
          ['on', what ? `${what.resource.type} ${what.resource.id}` : ''],
          ['decision', decisionText(predicate)],
        ],
      },
      heading('Custody'),
      ...custodyBlocks(custody),
    ],
  };
}

const decisionText = ({ action, denied }: ActionPredicate): string =>
  action ? `permitted, ${action.outcome}` : `${denied?.decision ?? ''}: ${denied?.reasons.join('; ') ?? ''}`;

function custodyBlocks({ links, findings }: Custody): Block[] {
  return [
    {
      kind: 'table',
      head: ['position', 'time', 'link', 'by', 'what'],
      rows: links.map((link) => [String(link.position), link.time, link.link, link.actor.id, link.says]),
    },
    ...section('Findings', findings.length > 0, { kind: 'list', items: findings }),
  ];
}
