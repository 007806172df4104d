import { Counter } from 'prom-client';
import { registry } from '../reporting/registry';

const signals = new Counter({
  name: 'bailiwick_signals_total',
  help: 'Security event tokens received from configured transmitters, by what became of them',
  labelNames: ['transmitter', 'outcome'] as const,
  registers: [registry],
});
const polls = new Counter({
  name: 'bailiwick_signal_polls_failed_total',
  help: 'Polls of transmitters that failed',
  labelNames: ['transmitter'] as const,
  registers: [registry],
});

export const countSignal = (transmitter: string, outcome: string): void => signals.inc({ transmitter, outcome });
export const countFailedPoll = (transmitter: string): void => polls.inc({ transmitter });
