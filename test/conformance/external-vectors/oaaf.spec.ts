import source from '../../vectors/oaaf/vectors.json';
import { oaaf } from '../../vectors/oaaf/translate';
import { describeCorpus } from './corpus';

describeCorpus('oaaf', {
  'cryptographic form': [
    'core-trust-untrusted-root',
    'core-crypto-issuer-thumbprint-mismatch',
    'core-chain-par-hash-missing',
    'core-crypto-invalid-signature',
    'core-crypto-alg-none-rejected',
    'core-crypto-private-key-material',
    'core-token-malformed',
    'core-pop-argument-binding-mismatch',
    'core-pop-signature-invalid',
    'a2a-deny-recipient-mismatch',
  ],
  'identity binding': ['identity-allow-spiffe-bound', 'identity-deny-mismatch', 'identity-deny-unavailable'],
  'transport negotiation': ['a2a-deny-extension-not-activated'],
});

describe('an answer to a vector of CORE-EXPL-003', () => {
  const secret = source.vectors.filter(({ requirements }) => requirements.includes('CORE-EXPL-003'));

  it.each(secret)('names no argument value: $vector_id', ({ vector_id, input }) => {
    const stated = oaaf().find(({ id }) => id === vector_id)?.stated ?? '';
    expect(stated).toContain('arg.path');
    for (const value of Object.values(input.args)) expect(stated).not.toContain(value);
  });
});
