import { act } from '@bailiwick/authority/testing/harness';
import { SealedLog } from '../testing/sealed-log';
import { sentenceOf } from './timeline';

it('names the call of the other run for which a service acts', () => {
  const log = new SealedLog();
  const { grantId: caller, runId } = log.open();
  const { grantId: service } = log.open(undefined, { agent: { class: 'version-control' } });
  const resource = { type: 'agent', id: 'version-control' };
  const { actionId = '' } = act(log, caller, 'agent.call', { resource });
  const push = act(log, service, 'repo.push', { onBehalfOf: { actionId } });
  expect(sentenceOf(push)).toMatch(
    new RegExp(`^(permitted|denied|stepped up): repo\\.push on .*, for the call ${actionId} of run ${runId}$`),
  );
});
