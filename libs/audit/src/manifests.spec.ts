import { act } from '@bailiwick/authority/testing/harness';
import { deployment, manifests, type ManifestFields } from '@bailiwick/authority/testing/policies';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

/** A permitted read under a deployed manifest. */
function logged(...agents: ManifestFields[]): SealedLog {
  const log = new SealedLog();
  const first = log.open();
  log.do('deployPolicy', deployment(manifests(...agents), 0));
  const { grantId } = log.open();
  act(log, first.grantId, 'file.read');
  act(log, grantId, 'file.read');
  return log;
}
const inLast =
  (log: SealedLog, type: Event['type'], data: object) =>
  (event: Event): object | undefined =>
    event.position === log.events.findLast((each) => each.type === type)?.position ? data : undefined;

describe('the audit of manifests', () => {
  it('finds nothing in a log whose leases and calls are within their manifests', () => {
    expect(findings(logged({ class: '*', most: { actions: { deny: ['email.*'] } } }))).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    [
      'a verb',
      { verb: 'email.list' },
      /the manifest of \S+ in version 1, for grt_\w+, does not admit the action: email\.list is denied by email/,
    ],
    [
      'a risk',
      { risk: 'high' },
      /the manifest of \S+ in version 1, for grt_\w+, does not admit the action: file\.read is of high risk/,
    ],
  ])('finds a permitted call with %s that its manifest does not admit', (_, data, finding) => {
    const log = logged({ class: '*', most: { actions: { deny: ['email.*'] }, risk: { ceiling: 'medium' } } });
    const found = findings(log, ({ position }) =>
      position === log.events.find(({ type }) => type === 'ActionPermitted')?.position ? data : undefined,
    );
    expect(found).toContainEqual(expect.stringMatching(finding));
  });

  it.each<[string, object, ManifestFields['most'], RegExp]>([
    ['calls', {}, { budget: { calls: 1 } }, /does not admit the action: 1 of 1 calls are used up/],
    ['an amount', { cost: { USD: 3 } }, { budget: { cost: { USD: 5 } } }, /does not admit the action: .*USD/],
    ['a window', {}, { budget: { windows: [{ per: '1h', reads: 1 }] } }, /does not admit the action: .*per 1h/],
    ['a verb', {}, { budget: { perVerb: [{ actions: ['file.*'], calls: 1 }] } }, /does not admit the action: .*file/],
  ])(
    'finds a permit beyond the cap of %s of its manifest, which leases were issued before',
    (_, fields, most, finding) => {
      const log = new SealedLog();
      const { grantId } = log.open();
      log.do('deployPolicy', deployment(manifests({ class: '*' }), 0));
      for (let i = 0; i < 2; i++) act(log, grantId, 'file.read', fields);
      expect(findings(log)).toEqual([]);
      const text = deployment(manifests({ class: '*', most }), 0);
      const found = findings(log, (event) =>
        event.type === 'PolicyPart'
          ? { text: text.bundle, digest: text.digest }
          : event.type === 'PolicyDeployed'
            ? { digest: text.digest }
            : undefined,
      ).filter((each) => each.startsWith('attenuation'));
      expect(found).toEqual([expect.stringMatching(finding)]);
    },
  );

  it('finds a lease that was issued wider than its manifest', () => {
    const log = logged({ class: '*', most: { budget: { calls: 100 } } });
    const { limits } = log.last('GrantIssued').data;
    const wide = { limits: { ...limits, budget: { ...limits.budget, calls: 101 } } };
    expect(findings(log, inLast(log, 'GrantIssued', wide))).toEqual([
      expect.stringMatching(/^attenuation: grt_.* is wider than the manifest of \S+ in version 1 in budget\.calls$/),
    ]);
  });

  it('finds a lease that no person approved beyond its manifest', () => {
    const log = logged({ class: '*', beyond: 'ask' });
    const found = findings(log, inLast(log, 'GrantIssued', { beyond: `sha256:${'0'.repeat(64)}` }));
    expect(found).toEqual([
      expect.stringMatching(/^approval: grt_.* is beyond its manifest, and no person approved that$/),
      expect.stringMatching(/^policy: grt_.* is approved beyond a manifest that is not in force in version 1$/),
    ]);
  });

  it('finds a permit and a lease of a class without a manifest', () => {
    const log = logged({ class: '*' });
    const text = deployment(manifests({ class: 'other' }), 0);
    const change = (event: Event): object | undefined =>
      event.type === 'PolicyPart'
        ? { text: text.bundle, digest: text.digest }
        : event.type === 'PolicyDeployed'
          ? { digest: text.digest }
          : undefined;
    const found = findings(log, change).map((each) => each.replace(/grt_\w+/, 'GRANT'));
    expect(found).toContainEqual(expect.stringContaining('policy: GRANT is issued, and version 1 has no manifest of'));
    expect(found).toContainEqual(expect.stringContaining('none of its manifests is of this class'));
  });
});
