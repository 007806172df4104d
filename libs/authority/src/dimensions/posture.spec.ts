import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { posture } from './posture';

describe('posture', () => {
  const declared = { model: 'm', modelVersion: '1', environment: 'prod', imageDigest: 'i' };
  it.each([
    ['no limit and no observation', {}, {}, undefined, true, 'permit'],
    ['declared as required', { model: ['m', 'n'] }, declared, undefined, true, 'permit'],
    ['declared otherwise', { model: ['n'] }, declared, undefined, true, 'deny POSTURE_MISMATCH'],
    ['required and never declared', { model: ['m'] }, {}, undefined, true, 'deny POSTURE_MISMATCH'],
    ['observed only now', { model: ['m'] }, {}, { model: 'm' }, true, 'permit'],
    ['wrong now', { model: ['m'] }, {}, { model: 'n' }, true, 'deny POSTURE_MISMATCH'],
    [
      'redeployed as another admissible one',
      { model: ['m', 'n'] },
      declared,
      { model: 'n' },
      true,
      'deny POSTURE_CHANGED',
    ],
    ['redeployed under no limit', {}, declared, { imageDigest: 'j' }, true, 'deny POSTURE_CHANGED'],
    ['redeployed, checked against an ancestor', {}, declared, { imageDigest: 'j' }, false, 'permit'],
    [
      'redeployed as one that an ancestor does not admit',
      { imageDigest: ['i'] },
      declared,
      { imageDigest: 'j' },
      false,
      'deny POSTURE_MISMATCH',
    ],
    ['observed as declared', { model: ['m'] }, declared, declared, true, 'permit'],
    ['observed without a declaration', {}, { model: 'm' }, { environment: 'dev' }, true, 'permit'],
    ['the class', { agentClass: ['worker'] }, {}, undefined, true, 'permit'],
    ['another class', { agentClass: ['other'] }, {}, undefined, true, 'deny POSTURE_MISMATCH'],
    ['an empty list', { model: [] }, declared, undefined, true, 'deny POSTURE_MISMATCH'],
    ['an attestation and none', { attestedBy: ['ci'] }, declared, declared, true, 'deny POSTURE_MISMATCH'],
  ])('%s', (_, limit, declaredPosture, currentPosture, leaf, verdict) => {
    expect(
      verdictText(posture.admits(limit, facts({ declaredPosture, currentPosture }), situation({ leaf }), NOW)),
    ).toBe(verdict);
  });

  it('admits an attested posture by an issuer of the list, also for an ancestor', () => {
    const limit = { attestedBy: ['ci', 'cluster'] };
    for (const leaf of [true, false]) {
      const verdict = (attestedBy: string | undefined): string =>
        verdictText(posture.admits(limit, facts({ attestedBy }), situation({ leaf }), NOW));
      expect([verdict('ci'), verdict('other'), verdict(undefined)]).toEqual([
        'permit',
        'deny POSTURE_MISMATCH',
        'deny POSTURE_MISMATCH',
      ]);
    }
    expect(wider(posture.attenuates({}, limit))).toEqual(['posture.attestedBy']);
    expect(wider(posture.attenuates({ attestedBy: ['ci'] }, limit))).toEqual([]);
    expect(posture.describe(limit)).toContain('attested by');
  });

  it.each([
    [{ model: ['m'] }, []],
    [{ model: ['m', 'n'], environment: ['prod'] }, []],
    [{}, ['posture.model']],
    [{ model: undefined }, ['posture.model']],
    [{ model: ['m', 'o'] }, ['posture.model']],
    [{ environment: ['prod'] }, ['posture.model']],
  ])('%j is wider than models m and n at %j', (child, paths) => {
    expect(wider(posture.attenuates(child, { model: ['m', 'n'] }))).toEqual(paths);
  });

  it('meets in the values that both admit, which may be none', () => {
    expect(posture.meet({ model: ['m', 'n'] }, { model: ['n'], environment: ['prod'] })).toEqual({
      model: ['n'],
      environment: ['prod'],
    });
    expect(posture.meet({ model: ['m'] }, { model: ['n'] })).toEqual({ model: [] });
  });
});
