import type { Agent } from '@bailiwick/contracts/grants/grant';
import { issuerConfig } from './issuer-config';
import type { Issuers } from './issuers';
import { Workloads } from './workloads';

/** A cluster, as docs/oauth.md configures its projected tokens of service accounts. */
const CLUSTER = issuerConfig.parse({
  issuer: 'https://kubernetes.example/cluster',
  audience: 'https://bailiwick.example/api',
  workloads: {
    name: 'cluster',
    audience: 'bailiwick',
    require: [
      { claim: ['kubernetes.io', 'namespace'], values: ['agents'] },
      { claim: ['kubernetes.io', 'serviceaccount', 'name'], values: ['repo-agent'] },
    ],
    posture: { environment: ['kubernetes.io', 'namespace'] },
    classes: ['repo-agent'],
  },
});
const TOKEN = {
  sub: 'system:serviceaccount:agents:repo-agent',
  'kubernetes.io': {
    namespace: 'agents',
    pod: { name: 'repo-agent-7d9f', uid: 'b1a7' },
    serviceaccount: { name: 'repo-agent', uid: 'c2f0' },
  },
};

const attested = (claims: object, agent: Agent = { class: 'repo-agent' }): Promise<Agent> => {
  const issuers = { namedBy: () => CLUSTER, verify: () => Promise.resolve({ issuer: CLUSTER, claims }) };
  return new Workloads(issuers as unknown as Issuers).attested('default', { agent, attestation: 'a token' });
};

describe('a token of a service account of Kubernetes', () => {
  it('attests the posture that its nested claims state', async () => {
    expect(await attested(TOKEN)).toEqual({
      class: 'repo-agent',
      attestedBy: 'cluster',
      posture: { environment: 'agents' },
    });
  });

  it.each<[string, object]>([
    ['of another namespace', { ...TOKEN['kubernetes.io'], namespace: 'default' }],
    ['of another service account', { ...TOKEN['kubernetes.io'], serviceaccount: { name: 'builder' } }],
    ['with a list in place of the name', { ...TOKEN['kubernetes.io'], namespace: ['agents'] }],
    ['without the nested claims', {}],
  ])('%s attests nothing', async (_what, nested) => {
    await expect(attested({ ...TOKEN, 'kubernetes.io': nested })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('attests nothing by a claim whose name only looks like the path', async () => {
    const flat = {
      sub: TOKEN.sub,
      'kubernetes.io.namespace': 'agents',
      'kubernetes.io.serviceaccount.name': 'repo-agent',
    };
    await expect(attested(flat)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('attests no agent of another class, and no posture that a request adds', async () => {
    await expect(attested(TOKEN, { class: 'payer' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const posture = { environment: 'prod' };
    await expect(attested(TOKEN, { class: 'repo-agent', posture })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
