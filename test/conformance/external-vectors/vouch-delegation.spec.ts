import { describeCorpus } from './corpus';

describeCorpus('vouch-delegation', { 'cost of verifying': ['reject-verifier-budget-cumulative-ttl'] });
