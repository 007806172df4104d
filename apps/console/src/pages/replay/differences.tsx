import type { ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import type { Difference, ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { objections } from '../../parts/reasons';
import { T } from '../../texts';

/** What would have been decided differently: how many, of what kind, and each of them with its reason. */
export function Differences({
  answer,
  treeId,
  onGo,
  onMore,
}: {
  answer: ReplayAnswer;
  treeId: string;
  onGo: (position: number) => void;
  onMore: (() => void) | undefined;
}): ReactNode {
  const d = T.replay.differences;
  return (
    <div className="differences" role="status">
      <p className={answer.differ === 0 ? 'notice notice-good' : 'notice notice-wait'}>
        {d.summary(answer.differ, answer.decided)}
      </p>
      {answer.differ > 0 && (
        <ul className="chips">
          {Object.entries(answer.byKind).map(([kind, count]) => (
            <li key={kind} className="chip">
              {kindText(kind)}: {count}
            </li>
          ))}
        </ul>
      )}
      {answer.differences.length > 0 && (
        <table className="table table-cards">
          <Columns of={Object.values(d.columns)} />
          <tbody>
            {answer.differences.map((each) => (
              <Row key={`${each.position} ${each.kind}`} difference={each} treeId={treeId} onGo={onGo} />
            ))}
          </tbody>
        </table>
      )}
      {onMore && (
        <p className="actions">
          <button type="button" className="button" onClick={onMore}>
            {T.more}
          </button>
        </p>
      )}
      {answer.assumes.length > 0 && (
        <details>
          <summary>{d.assumes}</summary>
          <ul className="sentences muted">
            {answer.assumes.map((each) => (
              <li key={each}>
                <AgentText>{each}</AgentText>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Row({
  difference,
  treeId,
  onGo,
}: {
  difference: Difference;
  treeId: string;
  onGo: (position: number) => void;
}): ReactNode {
  return (
    <tr>
      <th scope="row" className="num">
        {difference.treeId === undefined || difference.treeId === treeId ? (
          <button
            type="button"
            className="link-button"
            onClick={() => onGo(difference.position)}
            aria-label={T.replay.position(difference.position)}
          >
            {difference.position}
          </button>
        ) : (
          <Link
            to="/replay"
            search={{ treeId: difference.treeId, at: String(difference.position) }}
            aria-label={T.replay.position(difference.position)}
          >
            {difference.position}
          </Link>
        )}
      </th>
      <td>
        <AgentText>{difference.agentClass}</AgentText>
      </td>
      <td className="mono">
        <AgentText>{difference.about === 'action' ? difference.verb : T.replay.differences.lease}</AgentText>
      </td>
      <td>{kindText(difference.kind)}</td>
      <td className="wide">
        <AgentText>{whyOf(difference)}</AgentText>
      </td>
    </tr>
  );
}

const whyOf = (difference: Difference): string =>
  difference.why ??
  (difference.about === 'action'
    ? (objections(difference.after.reasons)[0] ?? objections(difference.before.reasons)[0] ?? '')
    : '');

/** `permit->deny` as text for people. */
const kindText = (kind: string): string => {
  const [before = '', after = ''] = kind.split('->');
  const { fates } = T.replay.differences;
  return T.replay.differences.change(fates[before] ?? before, fates[after] ?? after);
};
