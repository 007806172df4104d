import type { ActionDecisions } from '../actions/action-decisions';
import type { RequestContext } from '../http/request-context';
import type { DryRuns } from '../reporting/dry-runs';
import { Evaluations } from './evaluations';
import { metadata } from './metadata';

/** Evaluations under leases whose names are the decisions that they make. */
function world() {
  const charged: string[] = [];
  const tried: string[] = [];
  const answer = (grantId: string) => ({ decision: grantId.replace(/\d$/, '') });
  const decisions = {
    decide: (_context: unknown, { grantId }: { grantId: string }) => {
      charged.push(grantId);
      return Promise.resolve(answer(grantId));
    },
    decideDry: (_context: unknown, { grantId }: { grantId: string }) => {
      tried.push(grantId);
      return Promise.resolve({ answer: answer(grantId), commandId: 'cmd' });
    },
  } as unknown as ActionDecisions;
  const evaluations = new Evaluations(decisions, { note: () => undefined } as unknown as DryRuns);
  const decide = (...leases: string[]) => evaluations.decide({} as RequestContext, leases, {} as never);
  return { charged, tried, decide };
}

describe('an evaluation under several leases', () => {
  it.each([
    [['deny', 'step-up', 'permit', 'permit2'], 'permit'],
    [['deny', 'step-up', 'step-up2'], 'step-up'],
    [['deny', 'deny2'], 'deny'],
  ])('under %j is charged to %s alone', async (leases, expected) => {
    const { charged, decide } = world();
    expect(await decide(...leases)).toMatchObject({ grantId: expected });
    expect(charged).toEqual([expected]);
  });

  it('tries nothing out if there is one lease', async () => {
    const { charged, tried, decide } = world();
    await decide('permit');
    expect([charged, tried]).toEqual([['permit'], []]);
  });
});

describe('the metadata of the decision point', () => {
  it('has https addresses below the public URL of an installation behind a proxy', () => {
    const { policy_decision_point: base, ...rest } = metadata('https://pdp.example.com');
    expect(base).toBe('https://pdp.example.com');
    const urls = Object.entries(rest).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(urls.length).toBe(7);
    for (const [name, url] of urls)
      expect([name, url]).toEqual([name, expect.stringMatching(/^https:\/\/pdp\.example\.com\/(access\/v1|oauth)\//)]);
  });
});
