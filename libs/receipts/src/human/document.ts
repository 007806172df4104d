import type {
  ActionPredicate,
  ActionStatement,
  Custody,
  RunClaims,
  RunStatement,
  Statement,
  TreeStatement,
} from '@bailiwick/contracts/receipt';
import { countedText } from './timeline';
import { ACTION_RECEIPT, TREE_RECEIPT } from '@bailiwick/contracts/receipt';
import { marked } from '@bailiwick/core/look-alike';
import { money } from '@bailiwick/core/money';
import { askedBy, childrenOf, GONE, spentText, triedText } from '../render';
import type { Verification } from '../web/verify';
import { budgetsOf, type Used } from './budgets';
import { classesOf, timelineOf } from './timeline';
import { verdictOf, type Verdict } from './verdict';

// A receipt for people, before it is Markdown or HTML: what is said stands here, how it is written and escaped there.

/** A line with lines below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}
export type Block =
  | { readonly kind: 'heading'; readonly text: string; readonly level: 2 | 3 }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [string, string])[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'tree'; readonly roots: readonly Branch[] }
  | { readonly kind: 'budgets'; readonly rows: readonly Used[] }
  | { readonly kind: 'verification'; readonly verdict: Verdict };

export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/**
 * A receipt as a document: what it is about, how its verification went, tree, timeline, budgets, and what it does not
 * prove. Most of its words are of agents and of whoever spoke to them: none is to be trusted with anything but showing.
 * @param verification of this very statement; left out, the document says that it was not verified
 * @param keys the verifier keys that it was verified with, a line each
 */
export function documentOf(statement: Statement, verification?: Verification, keys?: string): Document {
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
        rows: timelineOf(predicate.events, 'run' in predicate ? predicate.run.id : undefined),
      },
      ...section('Words that are not here', predicate.absent.length > 0, {
        kind: 'list',
        items: predicate.absent.map(
          ({ position, type, erasedAt }) =>
            `beside ${type} at position ${position}: ${erasedAt === undefined ? 'not shown, and no erasure of it is recorded' : `erased, as recorded at position ${erasedAt}`}`,
        ),
      }),
      heading('What this does not prove'),
      { kind: 'list', items: predicate.doesNotProve },
    ],
  };
}

const heading = (text: string): Block => ({ kind: 'heading', text, level: 2 });
const section = (title: string, there: boolean, ...blocks: Block[]): Block[] =>
  there ? [heading(title), ...blocks] : [];
const text = (words: string): Block => ({ kind: 'text', text: words });
/** The parts of one of several: a heading below theirs. */
const below = (blocks: readonly Block[]): Block[] =>
  blocks.map((block) => (block.kind === 'heading' ? { ...block, level: 3 } : block));
const or = (text: string | null | undefined): string => text ?? GONE;

function ofRun({ predicate: claims }: RunStatement): Document {
  return {
    title: `Receipt of ${marked(claims.agent.class)}, ${claims.run.id}`,
    blocks: [
      { kind: 'facts', rows: factsOf(claims) },
      heading('Tree'),
      { kind: 'tree', roots: [lineTo(claims, classesOf(claims.events))] },
      ...partsOf(claims),
    ],
  };
}

function factsOf(claims: RunClaims): [string, string][] {
  const { agent, ended } = claims;
  return [
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
    ['began', claims.run.startedAt],
    ['ended', ended ? `${ended.at}, ${ended.reason}, by ${ended.by}` : 'not yet'],
    ['spent', spentText(claims.spent)],
    [
      'drift',
      claims.drift.scores === 0 ? 'not scored' : `at most ${claims.drift.highest} in ${claims.drift.scores} scores`,
    ],
    ['files changed', claims.filesChanged.join(', ') || 'none'],
    ['external systems', claims.external.join(', ') || 'none'],
    ['resources', claims.resources.join(', ') || 'none'],
  ];
}

/** The leases above, the run, and the runs it made. */
function lineTo({ grants, run, agent, children, ended }: RunClaims, classes: ReadonlyMap<string, string>): Branch {
  const own: Branch = {
    text: `${marked(agent.class)} ${run.id}: ${ended?.reason ?? 'still going on'}`,
    below: children.map((child) => ({
      text: `${marked(child.agentClass)} ${child.runId}${child.task ? ` (${child.task})` : ''}: ${child.ended ?? 'still going on'}`,
      below: [],
    })),
  };
  const above = [...new Set(grants.map(({ runId }) => runId))].filter((runId) => runId !== run.id).reverse();
  return above.reduce(
    (below, runId): Branch => ({ text: `${classes.get(runId) ?? 'run'} ${runId}`, below: [below] }),
    own,
  );
}

/**
 * What a run was allowed, did, and was refused.
 * @param runs all of its tree, where the receipt tells of them
 */
function partsOf(claims: RunClaims, runs?: readonly RunClaims[]): Block[] {
  const budgets = budgetsOf(claims, runs);
  const { approvals, actions, denied, escalations, suspensions, revoked, delegationsRefused } = claims;
  return [
    ...section(
      'Budgets',
      budgets !== undefined,
      { kind: 'budgets', rows: budgets?.rows ?? [] },
      ...(budgets?.says ?? []).map(text),
    ),
    ...section('Approvals', approvals.length > 0, {
      kind: 'table',
      head: ['position', 'for', 'verdict', 'by', 'note'],
      rows: approvals.map((each) => [String(each.position), each.kind, each.verdict, each.by ?? '', each.note ?? '']),
    }),
    ...section('Permitted, and what came of it', actions.length > 0, {
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
    ...section('Denied, or asked about', denied.length > 0, {
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
    ...section('Refused, and only counted', (claims.refusedMore ?? []).length > 0, {
      kind: 'table',
      head: ['position', 'since', 'until', 'how many', 'of what'],
      rows: (claims.refusedMore ?? []).map((each) => [
        String(each.position),
        each.since,
        each.time,
        String(each.total),
        countedText(each.refused),
      ]),
    }),
    ...section('More was wanted', escalations.length > 0, {
      kind: 'table',
      head: ['position', 'why', 'tried before', 'verdict'],
      rows: escalations.map((each) => [
        String(each.position),
        or(each.reason),
        triedText(each.tried, claims),
        each.verdict,
      ]),
    }),
    ...section('Delegations refused', delegationsRefused.length > 0, {
      kind: 'table',
      head: ['position', 'to', 'code', 'why'],
      rows: delegationsRefused.map((each) => [String(each.position), marked(each.agentClass), each.code, each.detail]),
    }),
    ...section('Stopped for a person to look', suspensions.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'by', 'why', 'let go on'],
      rows: suspensions.map((each) => [String(each.position), each.time, each.by, each.reason, each.resumedAt ?? 'no']),
    }),
    ...section('Revoked', revoked.length > 0, {
      kind: 'table',
      head: ['position', 'time', 'revocation', 'why'],
      rows: revoked.map((each) => [String(each.position), each.time, each.revocationId, each.reason]),
    }),
  ];
}

/** What was reported, and what of it was charged where that is less. */
const chargedText = ({ cost, charged, outcome }: RunClaims['actions'][number]): string =>
  charged === undefined
    ? costText(cost, outcome === 'open')
    : `${costText(cost, false)} reported, ${costText(charged, false) || 'nothing'} charged`;

const costText = (cost: Readonly<Record<string, number>>, open: boolean): string =>
  Object.entries(cost)
    .map(([currency, value]) => `${money(value, currency)}${open ? ' reserved' : ''}`)
    .join(', ');

function ofTree({
  predicate: { tree, purpose, requestedBy, requestedByStatedBy, runs, spent },
}: TreeStatement): Document {
  const shown = new Set<RunClaims>();
  const branches = (parent: string | undefined): Branch[] =>
    childrenOf(parent, runs, shown).map((each) => ({
      text: `${marked(each.agent.class)} ${each.run.id}${each.task ? ` (${each.task})` : ''}: ${each.actions.length} permitted, ${each.denied.length} denied or asked about; ${each.ended?.reason ?? 'still going on'}`,
      below: branches(each.run.id),
    }));
  const common = [
    ['asked by', askedBy(requestedBy, requestedByStatedBy)],
    ['purpose', or(purpose)],
  ] as const;
  const isSaid = (fact: readonly string[]): boolean => common.some((each) => each.join() === fact.join());
  return {
    title: `Receipt of the tree ${tree.id}`,
    blocks: [
      {
        kind: 'facts',
        rows: [...common, ['began', tree.startedAt], ['runs', String(runs.length)], ['spent', spentText(spent)]],
      },
      heading('Tree'),
      { kind: 'tree', roots: branches(undefined) },
      ...runs.flatMap((claims): Block[] => [
        heading(`Run ${claims.run.id}, ${marked(claims.agent.class)}`),
        { kind: 'facts', rows: factsOf(claims).filter((fact) => !isSaid(fact)) },
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
