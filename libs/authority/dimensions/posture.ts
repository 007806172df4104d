import { postureLimit, type PostureLimit } from '#contracts/grant';
import type { ActionFacts, Dimension } from '../dimension';
import { deny, PERMIT, Wider } from './verdict';

const ATTRIBUTES = ['agentClass', 'model', 'modelVersion', 'environment', 'imageDigest'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

function actual(action: ActionFacts, attribute: Attribute): string | undefined {
  if (attribute === 'agentClass') return action.agentClass;
  return action.currentPosture?.[attribute] ?? action.declaredPosture[attribute];
}

/** What kind of agent, model, image and place. An agent that has become another is not the one this was granted to. */
export const posture: Dimension<PostureLimit> = {
  name: 'posture',
  schema: postureLimit,
  unlimited: {},
  meet(a, b) {
    const met: PostureLimit = {};
    for (const attribute of ATTRIBUTES) {
      const [x, y] = [a[attribute], b[attribute]];
      const values = x && y ? x.filter((value) => y.includes(value)) : (x ?? y);
      if (values) met[attribute] = values;
    }
    return met;
  },
  attenuates(child, parent) {
    const wider = new Wider('posture');
    for (const attribute of ATTRIBUTES) {
      const [own, allowed] = [child[attribute], parent[attribute]];
      wider.unless(!allowed || (own !== undefined && own.every((value) => allowed.includes(value))), `posture.${attribute}`, own ?? null, allowed, `its parent requires ${attribute} to be one of ${(allowed ?? []).join(', ')}`);
    }
    return wider.result();
  },
  admits(limit, action, situation) {
    if (situation.leaf) {
      for (const attribute of ATTRIBUTES) {
        if (attribute === 'agentClass') continue;
        const [declared, now] = [action.declaredPosture[attribute], action.currentPosture?.[attribute]];
        if (declared !== undefined && now !== undefined && declared !== now) {
          return deny('POSTURE_CHANGED', `the agent's ${attribute} is ${now} now, and was ${declared} when the run was opened; open a new run`, { path: `posture.${attribute}`, limit: declared, actual: now });
        }
      }
    }
    for (const attribute of ATTRIBUTES) {
      const allowed = limit[attribute];
      const value = actual(action, attribute);
      if (allowed && (value === undefined || !allowed.includes(value))) {
        return deny('POSTURE_MISMATCH', `${attribute} must be one of ${allowed.join(', ')}`, { path: `posture.${attribute}`, limit: allowed, actual: value ?? null });
      }
    }
    return PERMIT;
  },
  describe(limit) {
    const parts = ATTRIBUTES.filter((attribute) => limit[attribute]).map((attribute) => `${attribute} ${(limit[attribute] ?? []).join(' or ')}`);
    return parts.length ? `only ${parts.join(', ')}` : 'any agent of the run';
  },
};
