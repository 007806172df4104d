import type { Result } from '@bailiwick/core/result';
import type { ActionFacts, Situation, Verdict, Violation } from '../dimensions/dimension';
import { nothing } from '../state/usage';

/** For tests: the time used below, an ordinary action, and the situation of an unused grant. */
export const NOW = Date.parse('2026-01-01T12:00:00.000Z');

export const facts = (over: Partial<ActionFacts> = {}): ActionFacts => ({
  verb: 'file.read',
  tool: undefined,
  effect: 'read',
  risk: 'low',
  stage: (over.effect ?? 'read') === 'read' ? 'draft' : 'execute',
  resource: { type: 'file', id: 'a/b', attributes: {} },
  cost: {},
  agentClass: 'worker',
  declaredPosture: {},
  currentPosture: undefined,
  proof: { vouched: true },
  ...over,
});

export const situation = (over: Partial<Situation> = {}): Situation => ({
  usage: { committed: nothing(), reserved: nothing(), windows: [] },
  drift: 0,
  stages: true,
  leaf: true,
  ...over,
});

/** Formats a verdict as `permit`, or as outcome and code: `deny EXPIRED`. */
export const verdictText = (verdict: Verdict): string =>
  verdict.outcome === 'permit' ? 'permit' : `${verdict.outcome} ${verdict.code ?? '?'}`;

/** Returns the paths at which a child is wider; an empty list if it is not. */
export const wider = (result: Result<void, Violation[]>): string[] =>
  result.ok ? [] : result.error.map((violation) => violation.path);
