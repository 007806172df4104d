import type { ResponderSelects } from '@bailiwick/contracts/policy/responder';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { RunNode } from '../state/state';

/**
 * Returns the selector of a responder for the run that triggers it. A run that does not state its instance or its model
 * version is selected by its class within its tree: a selector is never wider than what the responder names.
 */
export function selectorFor(select: ResponderSelects, { agent, treeId, principalRef }: RunNode): StoredSelector {
  const { class: agentClass, instance: agentInstance, posture } = agent;
  const modelVersion = posture?.modelVersion;
  switch (select) {
    case 'tree':
      return { treeId };
    case 'class':
      return { agentClass };
    case 'principal':
      return { principalRef };
    case 'instance':
      return agentInstance === undefined ? { treeId, agentClass } : { agentClass, agentInstance };
    case 'model':
      return modelVersion === undefined ? { treeId, agentClass } : { agentClass, modelVersion };
    case 'class-in-tree':
      return { treeId, agentClass };
  }
}
