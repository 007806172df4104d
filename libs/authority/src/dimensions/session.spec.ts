import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { session } from './session';

const [K1, K2] = ['A'.repeat(43), 'B'.repeat(43)];
const proved = (jkt: string | undefined) => ({ vouched: false as const, jkt });

describe('session', () => {
  it.each([
    ['no key', {}, proved(undefined), true, 'permit'],
    ['the key', { jkt: K1 }, proved(K1), true, 'permit'],
    ['another key', { jkt: K1 }, proved(K2), true, 'deny SESSION_KEY_MISMATCH'],
    ['no proof', { jkt: K1 }, proved(undefined), true, 'deny SESSION_PROOF_MISSING'],
    ['an enforcement point that vouches', { jkt: K1 }, { vouched: true as const }, true, 'permit'],
    ['an ancestor’s key', { jkt: K1 }, proved(K2), false, 'permit'],
  ])('%s', (_, limit, proof, leaf, verdict) => {
    expect(verdictText(session.admits(limit, facts({ proof }), situation({ leaf }), NOW))).toBe(verdict);
  });

  it.each([
    [{}, {}, []],
    [{ jkt: K1 }, {}, []],
    [{ jkt: K2 }, { jkt: K1 }, []], // a child's own key
    [{}, { jkt: K1 }, ['session.jkt']],
  ])('%j below %j is wider at %j', (child, parent, paths) => {
    expect(wider(session.attenuates(child, parent))).toEqual(paths);
  });

  it('never loses a key in a meet', () => {
    expect(session.meet({ jkt: undefined }, { jkt: K1 })).toEqual({ jkt: K1 });
    expect(session.meet({ jkt: K1 }, {})).toEqual({ jkt: K1 });
    expect(session.meet({}, {})).toEqual({});
  });
});
