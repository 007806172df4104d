import { ANSWER_SECONDS, type PolicySignals, type VerbSignals } from '@bailiwick/contracts/policy/policy-signals';
import { bold, dim, green, plain, table, yellow } from './render';

const SHOWN = 20;

/** Formats the signals of a policy: what they suggest, the prompts by verb and class, and the reasons of denials. */
export function policySignalsText({
  log,
  since,
  decisions,
  truncated,
  verbs,
  reasons,
  suggestions,
}: PolicySignals): string {
  const asked = verbs.filter((each) => each.asked > 0);
  const denied = reasons.filter(({ decision }) => decision === 'deny');
  return [
    `${bold(decisions.toLocaleString('en-US'))} decisions since ${since} ${dim(`(${log})`)}${truncated ? dim('; older events were left out') : ''}`,
    ...brokenGlass(verbs),
    suggestions.length > 0
      ? suggestions.map(({ says }) => `${yellow('•')} ${plain(says)}`).join('\n')
      : green('nothing to suggest'),
    ...(asked.length > 0
      ? [
          table(
            ['asked about', 'class', 'asked', 'approved', '≤ 3 s', 'refused', 'expired', 'half within', 'used'],
            asked.slice(0, SHOWN).map(rowOf),
          ),
          ...more(asked.length),
        ]
      : [dim('no person was asked about a call')]),
    ...(denied.length > 0
      ? [
          table(
            ['denied because', 'class', 'times'],
            denied
              .slice(0, SHOWN)
              .map(({ code, agentClass, count }) => [code, agentClass, count.toLocaleString('en-US')]),
          ),
          ...more(denied.length),
        ]
      : [dim('nothing was denied')]),
  ].join('\n\n');
}

/** States the approvals that one person gave alone in an emergency: they are not to be overlooked. */
function brokenGlass(verbs: readonly VerbSignals[]): string[] {
  const broken = verbs.filter((each) => each.brokenGlass > 0);
  return broken.map(({ verb, agentClass, brokenGlass: times }) =>
    yellow(plain(`BREAK-GLASS: ${verb} of ${agentClass} was approved by one person alone ${times} times`)),
  );
}

const more = (count: number): string[] =>
  count > SHOWN ? [dim(`and ${count - SHOWN} others; --json lists them`)] : [];

const rowOf = (each: VerbSignals): string[] => [
  each.verb,
  each.agentClass,
  String(each.asked),
  String(each.approved),
  String(each.instantly),
  String(each.refused),
  String(each.expired),
  medianText(each.answers),
  String(each.overrides),
];

/** The bound within which half of the answers were given. */
function medianText(answers: readonly number[]): string {
  const total = answers.reduce((sum, each) => sum + each, 0);
  if (total === 0) return '-';
  let seen = 0;
  for (const [i, count] of answers.entries()) {
    seen += count;
    if (seen * 2 >= total) return i < ANSWER_SECONDS.length ? secondsText(ANSWER_SECONDS[i] as number) : '> 4 h';
  }
  return '-';
}

const secondsText = (seconds: number): string =>
  seconds < 60 ? `${seconds} s` : seconds < 3_600 ? `${seconds / 60} min` : `${seconds / 3_600} h`;
