import { riskLimit, RISKS, type Risk, type RiskLimit } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { deny, PERMIT, stepUp, Wider } from './verdict';

/** A tier that is none ranks above all: forged input fails closed (I11). */
const rank = (tier: Risk): number => (RISKS.includes(tier) ? RISKS.indexOf(tier) : RISKS.length);

/** How dangerous an action may be, and from which tier a person is asked. What cannot be undone always asks. */
export const risk: Dimension<RiskLimit> = {
  name: 'risk',
  schema: riskLimit,
  unlimited: { ceiling: 'irreversible', approvalFrom: 'irreversible' },
  meet: (a, b) => ({
    ceiling: rank(a.ceiling) <= rank(b.ceiling) ? a.ceiling : b.ceiling,
    approvalFrom: rank(a.approvalFrom) <= rank(b.approvalFrom) ? a.approvalFrom : b.approvalFrom,
  }),
  attenuates(child, parent) {
    const wider = new Wider('risk');
    wider.unless(rank(child.ceiling) <= rank(parent.ceiling), 'risk.ceiling', child.ceiling, parent.ceiling, 'could act more dangerously than its parent');
    wider.unless(rank(child.approvalFrom) <= rank(parent.approvalFrom), 'risk.approvalFrom', child.approvalFrom, parent.approvalFrom, 'would ask a person later than its parent');
    return wider.result();
  },
  admits(limit, action) {
    if (rank(action.risk) > rank(limit.ceiling)) return deny('RISK_ABOVE_CEILING', `${action.verb} is of ${action.risk} risk; the lease goes up to ${limit.ceiling}`, { path: 'risk.ceiling', limit: limit.ceiling, actual: action.risk });
    if (rank(action.risk) >= rank('irreversible')) return stepUp('IRREVERSIBLE_NEEDS_APPROVAL', `${action.verb} cannot be undone; a person must approve this exact call`, { path: 'risk', actual: action.risk });
    if (rank(action.risk) >= rank(limit.approvalFrom)) return stepUp('RISK_NEEDS_APPROVAL', `${action.verb} is of ${action.risk} risk; from ${limit.approvalFrom} on a person is asked`, { path: 'risk.approvalFrom', limit: limit.approvalFrom, actual: action.risk });
    return PERMIT;
  },
  describe: (limit) => `up to ${limit.ceiling} risk; a person is asked from ${limit.approvalFrom} on`,
};
