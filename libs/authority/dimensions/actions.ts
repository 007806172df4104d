import { actionsLimit, MODES, type ActionsLimit, type Mode } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { includes } from '../inclusion';
import { matchesVerb, verbSegments } from '../verb';
import { deny, PERMIT, sorted, stepUp, Wider } from './verdict';

const rank = (mode: Mode): number => MODES.indexOf(mode);
const inside = (patterns: readonly string[], pattern: string): boolean => includes(patterns.map(verbSegments), verbSegments(pattern));

/** Which verbs; a deny always wins and is inherited. `draft` may only read, `propose` asks before all else, `execute` acts. */
export const actions: Dimension<ActionsLimit> = {
  name: 'actions',
  schema: actionsLimit,
  unlimited: { allow: ['**'], deny: [], mode: 'execute' },
  meet: (a, b) => ({
    // the intersection of two unions of patterns is not always one: keep of each list what lies inside the other
    allow: sorted([...a.allow.filter((each) => inside(b.allow, each)), ...b.allow.filter((each) => inside(a.allow, each))]),
    deny: sorted([...a.deny, ...b.deny]),
    mode: rank(a.mode) <= rank(b.mode) ? a.mode : b.mode,
  }),
  attenuates(child, parent) {
    const wider = new Wider('actions');
    for (const pattern of child.allow) wider.unless(inside(parent.allow, pattern), 'actions.allow', pattern, parent.allow, `would allow ${pattern}, which its parent does not`);
    for (const pattern of parent.deny) wider.unless(inside(child.deny, pattern), 'actions.deny', child.deny, pattern, `would shed its parent's denial of ${pattern}`);
    wider.unless(rank(child.mode) >= 0 && rank(child.mode) <= rank(parent.mode), 'actions.mode', child.mode, parent.mode, 'would act more freely than its parent');
    return wider.result();
  },
  admits(limit, action) {
    const denied = limit.deny.find((pattern) => matchesVerb(pattern, action.verb));
    if (denied !== undefined) return deny('ACTION_DENIED', `${action.verb} is denied by ${denied}`, { path: 'actions.deny', limit: denied, actual: action.verb });
    if (!limit.allow.some((pattern) => matchesVerb(pattern, action.verb))) {
      return deny('ACTION_NOT_ALLOWED', `${action.verb} is not among the allowed actions`, { path: 'actions.allow', limit: limit.allow, actual: action.verb });
    }
    if (action.effect === 'read' || limit.mode === 'execute') return PERMIT;
    if (limit.mode === 'propose') return stepUp('MODE_PROPOSES', `the lease may only propose ${action.verb}; a person decides`, { path: 'actions.mode', limit: limit.mode });
    return deny('MODE_TOO_LOW', `the lease may only read (mode ${limit.mode})`, { path: 'actions.mode', limit: limit.mode, actual: action.effect });
  },
  describe: (limit) =>
    `${limit.mode}: ${limit.allow.length ? limit.allow.join(', ') : 'nothing'}${limit.deny.length ? `, never ${limit.deny.join(', ')}` : ''}`,
};
