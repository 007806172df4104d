import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Violation } from './dimension';

/*
 * Before this release a lease in mode `draft` admitted nothing but reads, and one in mode `propose` asked a person about
 * all else. A lease that was issued then gains nothing, nor does any lease below it: only the modes of a lease with
 * `actions.stages` admit drafts and proposals. Without a mode below `execute`, there is nothing to gain.
 */

const hasModes = ({ actions, permissions }: Limits): boolean =>
  actions.mode !== 'execute' ||
  // an empty list admits nothing, and so does each list below it; I11: the dimension answers for a list that is none
  (Array.isArray(permissions) &&
    (permissions.length === 0 || permissions.some(({ mode = 'execute' }) => mode !== 'execute')));

/** Reports whether a lease gains nothing if its modes read stages. */
export const readsStages = (limits: Limits): boolean => limits.actions.stages === true || !hasModes(limits);

/** I1: reports whether the modes of a child read stages below a lease whose modes do not. */
export const gainsStages = (child: Limits, parent: Limits): boolean =>
  child.actions.stages === true && !readsStages(parent);

export const GAINS_STAGES: Violation = {
  dimension: 'actions',
  path: 'actions.stages',
  parent: null,
  child: true,
  message: 'would admit drafts and proposals, and the modes of its parent admit nothing but reads',
};

/** Returns limits whose modes read stages, if they may. The member is left out where it has no meaning. */
export function withStages(limits: Limits, mayRead: boolean): Limits {
  const stages = mayRead && hasModes(limits);
  if (stages === (limits.actions.stages === true)) return limits;
  const { stages: _stages, ...actions } = limits.actions;
  return { ...limits, actions: stages ? { ...actions, stages } : actions };
}
