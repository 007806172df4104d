import { riskLimit, RISKS, type Risk, type RiskLimit } from '@bailiwick/contracts/grants/grant';
import type { Dimension } from './dimension';
import { deny, PERMIT, stepUp, Wider } from './verdict';

/** I11: an unknown limit ranks below all tiers, an unknown risk of an action above all. */
const tier = (limit: Risk): number => RISKS.indexOf(limit);
const danger = (risk: Risk): number => (RISKS.includes(risk) ? RISKS.indexOf(risk) : RISKS.length);

const lower = (a: Risk, b: Risk): Risk => (tier(a) <= tier(b) ? a : b);

/** How dangerous an action may be, and from which tier a person is asked. An irreversible action always asks. */
export const risk: Dimension<RiskLimit> = {
  name: 'risk',
  schema: riskLimit,
  unlimited: { ceiling: 'irreversible', approvalFrom: 'irreversible' },
  meet: (a, b) => ({ ceiling: lower(a.ceiling, b.ceiling), approvalFrom: lower(a.approvalFrom, b.approvalFrom) }),
  attenuates(child, parent) {
    const wider = new Wider('risk');
    wider.unless(
      tier(child.ceiling) <= tier(parent.ceiling),
      'risk.ceiling',
      child.ceiling,
      parent.ceiling,
      `could perform actions of ${child.ceiling} risk; its parent goes up to ${parent.ceiling}`,
    );
    wider.unless(
      tier(child.approvalFrom) <= tier(parent.approvalFrom),
      'risk.approvalFrom',
      child.approvalFrom,
      parent.approvalFrom,
      `would ask a person from ${child.approvalFrom} on; its parent asks from ${parent.approvalFrom} on`,
    );
    return wider.result();
  },
  admits(limit, { verb, risk: of }) {
    if (danger(of) > tier(limit.ceiling)) {
      return deny('RISK_ABOVE_CEILING', `${verb} is of ${of} risk; the lease goes up to ${limit.ceiling}`, {
        path: 'risk.ceiling',
        limit: limit.ceiling,
        actual: of,
      });
    }
    if (danger(of) >= danger('irreversible')) {
      return stepUp('IRREVERSIBLE_NEEDS_APPROVAL', `${verb} cannot be undone; a person must approve this exact call`, {
        path: 'risk.ceiling',
        limit: limit.ceiling,
        actual: of,
      });
    }
    if (danger(of) >= tier(limit.approvalFrom)) {
      return stepUp(
        'RISK_NEEDS_APPROVAL',
        `${verb} is of ${of} risk; from ${limit.approvalFrom} on a person is asked`,
        {
          path: 'risk.approvalFrom',
          limit: limit.approvalFrom,
          actual: of,
        },
      );
    }
    return PERMIT;
  },
  describe: (limit) => `up to ${limit.ceiling} risk; a person is asked from ${limit.approvalFrom} on`,
};
