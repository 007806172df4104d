import { plural } from './plural';

export const log = {
  title: 'Log',
  lead: 'Everything on the other pages comes from this log. Its signed tree heads let anyone detect a change.',
  checkpoint: 'Newest checkpoint',
  origin: 'Origin',
  size: 'Events',
  root: 'Root hash',
  signatures: 'Signatures',
  vkey: 'Verifier key',
  vkeyHow: 'Keep this key outside this installation. It is all that a receipt needs to be verified.',
  verify: 'Verify the whole log',
  verifyHow: 'Folds the log again from position 0 and compares its tree and its state with the live ones.',
  ok: (events: number, checkpoints: number) =>
    `Verified: ${plural(events, 'event')} fold to the live state, and ${plural(checkpoints, 'checkpoint')} agree with the tree.`,
  bad: 'The log does not verify. Findings:',
  consistency: 'Compare with a checkpoint that you saved',
  consistencyHow:
    'Paste a checkpoint from an earlier visit. The installation must prove that the log only grew since then.',
  consistencyRun: 'Ask for the proof',
  events: 'Events',
  eventsColumns: { position: 'Position', time: 'Time', type: 'Type', actor: 'By', about: 'About' },
  type: 'Filter by type',
  older: 'Older',
  newer: 'Newer',
} as const;
