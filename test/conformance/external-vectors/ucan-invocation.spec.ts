import { describeCorpus } from './corpus';

describeCorpus('ucan-invocation', {
  'cryptographic form': ['invalid proof signature', 'invalid invocation signature'],
});
