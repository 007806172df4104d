import { plural } from './plural';

export const mine = {
  title: 'Mine',
  lead: 'What runs in your name, and what you can stop without asking anyone.',
  as: { principal: 'In my name', approver: 'By my approval' },
  emptyTitle: 'Nothing runs in your name',
  empty: 'When an agent works for you, it appears here with what it may do, and with a button that stops it.',
  emptyApprover: 'Nothing that you approved is recorded yet.',
  stop: 'Stop',
  stopAll: (count: number) => `Stop all ${count}`,
  stopAllTitle: 'Stop everything that runs in your name',
  stopAllText: (count: number) => `${plural(count, 'run')} and everything below will stop. This cannot be undone.`,
  stopped: (count: number) => `${plural(count, 'run')} stopped.`,
  reason: 'stopped by the person in whose name it ran',
  notPerson:
    'You are signed in with keys of this installation, not as a person, so nothing runs in your name. Sign in with a key or an account of your own.',
  did: 'What it did',
  holds: 'May do',
} as const;
