import { RISKS, type Risk } from '@bailiwick/contracts/grants/grant';
import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { risk } from './risk';

const ask = (ceiling: string, approvalFrom: string, of: string) =>
  verdictText(
    risk.admits(
      { ceiling: ceiling as Risk, approvalFrom: approvalFrom as Risk },
      facts({ risk: of as Risk }),
      situation(),
      NOW,
    ),
  );

describe('risk', () => {
  it.each([
    ['high', 'high', 'low', 'permit'],
    ['high', 'high', 'medium', 'permit'],
    ['high', 'high', 'high', 'step-up RISK_NEEDS_APPROVAL'],
    ['high', 'high', 'irreversible', 'deny RISK_ABOVE_CEILING'],
    ['irreversible', 'irreversible', 'high', 'permit'],
    ['irreversible', 'irreversible', 'irreversible', 'step-up IRREVERSIBLE_NEEDS_APPROVAL'],
    ['irreversible', 'low', 'irreversible', 'step-up IRREVERSIBLE_NEEDS_APPROVAL'],
    ['low', 'low', 'low', 'step-up RISK_NEEDS_APPROVAL'],
    ['low', 'irreversible', 'medium', 'deny RISK_ABOVE_CEILING'],
    ['irreversible', 'irreversible', 'unheard-of', 'deny RISK_ABOVE_CEILING'],
    ['unheard-of', 'irreversible', 'low', 'deny RISK_ABOVE_CEILING'],
    ['irreversible', 'unheard-of', 'low', 'step-up RISK_NEEDS_APPROVAL'],
  ])(
    'answers under ceiling %s and approval from %s an action of risk %s with %s',
    (ceiling, approvalFrom, of, verdict) => {
      expect(ask(ceiling, approvalFrom, of)).toBe(verdict);
    },
  );

  it('allows a child only lower tiers', () => {
    for (const [i, own] of RISKS.entries()) {
      for (const [j, most] of RISKS.entries()) {
        expect(
          wider(risk.attenuates({ ceiling: own, approvalFrom: 'low' }, { ceiling: most, approvalFrom: 'low' })),
        ).toEqual(i <= j ? [] : ['risk.ceiling']);
        expect(
          wider(risk.attenuates({ ceiling: 'low', approvalFrom: own }, { ceiling: 'low', approvalFrom: most })),
        ).toEqual(i <= j ? [] : ['risk.approvalFrom']);
      }
    }
    const forged = { ceiling: 'x', approvalFrom: 'x' } as unknown as { ceiling: Risk; approvalFrom: Risk };
    expect(wider(risk.attenuates({ ceiling: 'low', approvalFrom: 'low' }, forged))).toHaveLength(2);
  });

  it('meets in the lower tiers', () => {
    expect(risk.meet({ ceiling: 'high', approvalFrom: 'low' }, { ceiling: 'medium', approvalFrom: 'high' })).toEqual({
      ceiling: 'medium',
      approvalFrom: 'low',
    });
  });
});
