import type { ResponderRehearsal } from '@bailiwick/contracts/policy/responder-rehearsal';
import { bold, dim, green, plain, red, table, yellow } from './render';

const SHOWN = 20;

/** Formats what responders would have done: firings by responder, the first firings, and honest runs that were held. */
export function policyRespondersText(answer: ResponderRehearsal): string {
  const { log, since, version, responders, firings, honest, assumes } = answer;
  const of = version === undefined ? 'the bundle' : `version ${version}`;
  const head = `${bold(of)} over ${log} since ${since}`;
  if (responders.length === 0) return `${head}\n\n${dim('it has no responders')}`;
  return [
    head,
    table(
      ['responder', 'does', 'selects', 'suspensions', 'prepared', 'limited', 'not recorded', 'runs held', 'honest'],
      responders.map((each) => [
        each.name,
        each.does,
        each.select,
        String(each.suspensions),
        String(each.prepared),
        String(each.limited),
        String(each.unrecorded),
        String(each.stopped),
        String(each.honest),
      ]),
    ),
    ...firingsText(firings),
    honestText(
      honest,
      responders.reduce((sum, each) => sum + each.honest, 0),
    ),
    dim(assumes.map((text) => `* ${text}`).join('\n')),
  ].join('\n\n');
}

function firingsText(firings: ResponderRehearsal['firings']): string[] {
  if (firings.length === 0) return [green('none of them would have fired')];
  const rows = firings
    .slice(0, SHOWN)
    .map(({ time, responder, did, limited, selector, stopped }) => [
      time,
      responder,
      limited === undefined ? did : `${did} (limit: ${limited})`,
      plain(JSON.stringify(selector)),
      did === 'suspend' ? String(stopped) : '-',
    ]);
  return [[table(['at', 'responder', 'would', 'selector', 'runs held'], rows), ...more(firings.length)].join('\n')];
}

function honestText(honest: ResponderRehearsal['honest'], count: number): string {
  if (count === 0) return green('no run that completed would have been held');
  const rows = honest
    .slice(0, SHOWN)
    .map(({ runId, agentClass, responder, heldAt, completedAt }) => [
      runId,
      plain(agentClass),
      responder,
      heldAt,
      completedAt,
    ]);
  return [
    red(`${count.toLocaleString('en-US')} ${count === 1 ? 'run' : 'runs'} that completed would have been held`),
    table(['run', 'class', 'responder', 'held at', 'completed at'], rows),
    ...more(count),
  ].join('\n');
}

const more = (count: number): string[] =>
  count > SHOWN ? [yellow(`and ${count - SHOWN} others; --json lists them`)] : [];
