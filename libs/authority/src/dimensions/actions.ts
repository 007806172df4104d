import { actionsLimit, MODES, type ActionsLimit, type Mode } from '@bailiwick/contracts/grants/grant';
import { STAGES } from '@bailiwick/contracts/policy/catalog-entry';
import type { ActionFacts, Dimension, Verdict } from './dimension';
import { allowance, includes, type Work } from '../matching/inclusion';
import { matchesVerb, verbSegments } from '../matching/verbs/verb';
import { clip, listed, shown } from '../presentation/text';
import { deny, PERMIT, sorted, stepUp, Wider } from './verdict';

/** Ranks a mode; an unknown mode ranks below all. */
export const rank = (mode: Mode): number => MODES.indexOf(mode);

/** Reports whether some of the patterns match every verb that a pattern matches. */
export const inside = (patterns: readonly string[], pattern: string, work?: Work): boolean =>
  includes(patterns.map(verbSegments), verbSegments(pattern), work);

/**
 * The verbs that a grant allows. A denial always wins, and a child inherits it. `draft` may read and draft, `propose` may
 * also propose and asks a person before any other action, `execute` acts.
 */
export const actions: Dimension<ActionsLimit> = {
  name: 'actions',
  schema: actionsLimit,
  unlimited: { allow: ['**'], deny: [], mode: 'execute' },
  /**
   * Keeps a pattern of one allow list that lies inside a pattern of the other; patterns that only overlap are left out.
   */
  meet: (a, b) => ({
    allow: sorted([
      ...a.allow.filter((each) => inside(b.allow, each)),
      ...b.allow.filter((each) => inside(a.allow, each)),
    ]),
    deny: sorted([...a.deny, ...b.deny]),
    mode: rank(a.mode) <= rank(b.mode) ? a.mode : b.mode,
  }),
  attenuates(child, parent, effort) {
    const wider = new Wider('actions');
    const work = allowance(effort);
    const added = child.allow.filter((pattern) => !inside(parent.allow, pattern, work));
    wider.unless(
      added.length === 0,
      'actions.allow',
      shown(added),
      shown(parent.allow),
      `would allow ${listed(added)}, which its parent does not`,
    );
    const shed = parent.deny.filter((pattern) => !inside(child.deny, pattern, work));
    wider.unless(
      shed.length === 0,
      'actions.deny',
      shown(child.deny),
      shown(shed),
      `would shed its parent’s denial of ${listed(shed)}`,
    );
    wider.unless(
      rank(child.mode) <= rank(parent.mode),
      'actions.mode',
      child.mode,
      parent.mode,
      `would ${child.mode}, and its parent may only ${parent.mode}`,
    );
    return wider.result();
  },
  admits(limit, action, { stages }) {
    const { verb } = action;
    const denied = limit.deny.find((pattern) => matchesVerb(pattern, verb));
    if (denied !== undefined) {
      return deny('ACTION_DENIED', `${verb} is denied by ${denied}`, {
        path: 'actions.deny',
        limit: denied,
        actual: verb,
      });
    }
    if (!limit.allow.some((pattern) => matchesVerb(pattern, verb))) {
      return deny('ACTION_NOT_ALLOWED', `${verb} is not among the allowed actions: ${listed(limit.allow, 'none is')}`, {
        path: 'actions.allow',
        limit: shown(limit.allow),
        actual: verb,
      });
    }
    return admitsInMode(limit.mode, action, stages, 'actions.mode');
  },
  describe(limit, stages = true) {
    const never = limit.deny.length > 0 ? `; never ${listed(limit.deny, '', DESCRIBED)}` : '';
    return `may use ${listed(limit.allow, 'nothing', DESCRIBED)}${modeText(limit.mode, stages)}${never}`;
  },
};

/** What a mode decides by; a recorded action that does more than read without a stage is carried out. */
export type StagedFacts = Pick<ActionFacts, 'verb' | 'effect'> & Partial<Pick<ActionFacts, 'stage'>>;

/**
 * Decides an action by the mode alone. Each mode admits what only reads. If it reads stages, it also admits what is at
 * an earlier stage than it, or at its own; a lease that an earlier release issued gains nothing.
 */
export function admitsInMode(
  mode: Mode,
  { verb, effect, stage = 'execute' }: StagedFacts,
  stages: boolean,
  path: string,
): Verdict {
  if (effect === 'read' ? rank(mode) >= 0 : mode === 'execute') return PERMIT;
  const at = STAGES.indexOf(stage);
  if (stages && at >= 0 && at <= rank(mode)) return PERMIT;
  const evidence = { path, limit: mode, actual: stages ? `${effect}, ${stage}` : effect };
  if (mode === 'propose')
    return stepUp('MODE_PROPOSES', `the lease may only propose ${verb}; a person decides`, evidence);
  const may = stages ? 'only read and draft' : 'only read';
  const counts = stages && stage === 'propose' ? 'puts something forward' : `counts as ${effect}`;
  return deny('MODE_TOO_LOW', `the lease may ${may} (mode ${clip(mode)}), and ${verb} ${counts}`, evidence);
}

/** Describes what a mode admits, after a list of verbs. */
export const modeText = (mode: Mode, stages: boolean): string =>
  ({
    draft: stages ? ', only to read and to draft' : ', only to read',
    propose: stages
      ? ', to read, to draft and to propose; a person decides about all else'
      : ', to read, and to propose all else',
    execute: '',
  })[mode];

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;
