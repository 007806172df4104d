import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { LISTINGS } from './listings';
import { LeaseViews, type LeaseView } from './lease-views';

const ID = '0'.repeat(26);
const CLAIMS = { tenant: 'default', runId: `run_0_${ID}`, grantId: `grt_0_${ID}` } as TokenClaims;
const entry = (tool: string, id: string) => ({
  tools: [`mcp__s__${tool}`],
  verb: 's.read',
  effects: ['read'],
  risk: 'low',
  resource: { type: 'doc', id },
});

describe('the lists of a server', () => {
  let status: string;
  let allow: string[];
  const view = async (): Promise<LeaseView | undefined> => {
    const limits = { actions: { allow, deny: [] }, resources: [{ type: 'doc', match: 'mine/**' }] };
    const bundle = { catalog: [entry('prompts/get', '{/arguments/topic}'), entry('resources/read', '{+/path}')] };
    const owners = {
      query: async ({ op }: { op: string }) =>
        op === 'policy' ? { version: 1, bundle } : { grant: { id: CLAIMS.grantId, status, limits } },
    };
    return new LeaseViews(owners as never, new PolicyReaders(owners as never)).of(CLAIMS);
  };
  const isShown = async (method: string, item: Record<string, unknown>): Promise<boolean> =>
    LISTINGS[method]?.isShown((await view()) as LeaseView, 's', item) === true;
  beforeEach(() => {
    status = 'active';
    allow = ['s.*'];
  });

  it('have a prompt whose resource only its arguments state, if the lease has its verb', async () => {
    expect(await isShown('prompts/list', { name: 'summarize' })).toBe(true);
    allow = ['other.*'];
    expect(await isShown('prompts/list', { name: 'summarize' })).toBe(false);
  });

  it('have the resources that the lease could permit, and none that cannot be read', async () => {
    expect(await isShown('resources/list', { uri: 'test://mine/a' })).toBe(true);
    expect(await isShown('resources/list', { uri: 'test://theirs/a' })).toBe(false);
    expect(await isShown('resources/list', { uri: 'test://mine/../theirs/a' })).toBe(false);
  });

  it('have nothing for a lease that has ended', async () => {
    status = 'revoked';
    expect(await view()).toBeUndefined();
  });
});
