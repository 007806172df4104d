import { describeCorpus } from './corpus';

describeCorpus('authzen-gateway');
