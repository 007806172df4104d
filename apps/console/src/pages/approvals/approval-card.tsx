import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { Check, Flame, Quote, X } from 'lucide-react';
import { LIMITS } from '@bailiwick/core/limits';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { AgentJson, AgentText } from '../../parts/agent-text';
import { costs, Risk } from '../../parts/marks';
import { Failed } from '../../parts/states';
import { lengthText, useNow, When } from '../../parts/when';
import { T } from '../../texts';
import { isTyping } from './is-typing';
import { useAnswer, SCOPES, type Answered, type Scope } from './answer';
import { LessDialog } from './less-dialog';

interface CardProps {
  readonly approval: ApprovalView;
  readonly mayAnswer: boolean;
  readonly onAnswered: (answered: Answered) => void;
}

/** A question to a person, so that it is read in ten seconds: the agent and its wish first, then what an answer would permit. */
export function ApprovalCard({ approval, mayAnswer, onAnswered }: CardProps): ReactNode {
  const { action } = approval;
  return (
    <article className="panel card" aria-labelledby="card-title">
      <TimeLeft from={approval.requestedAt} until={approval.expiresAt} />
      <header className="card-head">
        <p className="card-kind">
          {T.approvals.kind[approval.kind]}
          <Risk tier={approval.irreversible ? 'irreversible' : approval.risk} />
        </p>
        <h2 id="card-title">
          <AgentText>{approval.agentClass}</AgentText> <span className="muted">{T.approvals.wants}</span>{' '}
          {action ? (
            <>
              <code className="want">
                <AgentText>{action.verb}</AgentText>
              </code>{' '}
              <span className="muted">{T.approvals.on}</span>{' '}
              <span className="want-on">
                <AgentText>{`${action.resource.type} ${action.resource.id}`}</AgentText>
              </span>
            </>
          ) : (
            T.approvals.kind[approval.kind]?.toLowerCase()
          )}
        </h2>
        <p>
          {T.approvals.forWho}{' '}
          <strong>
            <AgentText>{approval.requestedBy}</AgentText>
          </strong>{' '}
          {approval.requestedByStatedBy !== undefined && (
            <span className="muted small">{T.approvals.statedBy(approval.requestedByStatedBy)}</span>
          )}
          {' · '}
          <Link to="/runs/$id" params={{ id: approval.runId }}>
            {T.run.title}
          </Link>
        </p>
      </header>
      {approval.irreversible && (
        <p className="notice notice-bad">
          <Flame aria-hidden size={18} /> {T.approvals.irreversible}
        </p>
      )}
      <blockquote className="agent-words">
        <p className="agent-words-title">
          <Quote aria-hidden size={14} /> {approval.reason == null ? T.approvals.statedPurpose : T.approvals.ownWords}
          <span className="muted small">{T.approvals.ownWordsNote}</span>
        </p>
        <p>
          <AgentText>{approval.reason ?? approval.purpose}</AgentText>
        </p>
      </blockquote>
      <div className="may-columns">
        <section>
          <h3 className="may">
            <Check aria-hidden size={15} /> {T.approvals.may}
          </h3>
          <Sentences of={approval.may} />
        </section>
        <section>
          <h3 className="may-not">
            <X aria-hidden size={15} /> {T.approvals.mayNot}
          </h3>
          <Sentences of={approval.mayNot} />
        </section>
      </div>
      <dl className="facts">
        <div>
          <dt>{T.approvals.cost}</dt>
          <dd className="num">{costs(action?.cost, T.approvals.noCost)}</dd>
        </div>
        <div>
          <dt>{T.approvals.budget}</dt>
          <dd>
            <AgentText>{approval.budget}</AgentText>
          </dd>
        </div>
        {(approval.needed ?? 1) > 1 && (
          <div>
            <dt>{T.approvals.title}</dt>
            <dd>{T.approvals.given(approval.given ?? 0, approval.needed ?? 1)}</dd>
          </div>
        )}
        {approval.alike && approval.alike.count > 1 && (
          <div>
            <dt>{T.approvals.grouped}</dt>
            <dd>{T.approvals.alike(approval.alike.count, costs(approval.alike.cost, ''))}</dd>
          </div>
        )}
      </dl>
      <More approval={approval} />
      {mayAnswer && <Buttons approval={approval} onAnswered={onAnswered} />}
    </article>
  );
}

function Sentences({ of }: { of: readonly string[] }): ReactNode {
  return (
    <ul className="sentences">
      {of.map((each, at) => (
        <li key={at}>
          <AgentText>{each}</AgentText>
        </li>
      ))}
    </ul>
  );
}

function More({ approval: { action, tried, refusedBefore } }: { approval: ApprovalView }): ReactNode {
  const why = action?.objections ?? action?.reasons.map((says) => ({ says, isNew: false })) ?? [];
  return (
    <div className="card-more">
      {why.length > 0 && (
        <section>
          <h3>{T.approvals.objections}</h3>
          <ul className="sentences">
            {why.map(({ says, isNew }) => (
              <li key={says}>
                <AgentText>{says}</AgentText> {isNew && <span className="tag tag-wait">{T.approvals.isNew}</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {action?.args !== undefined && (
        <section>
          <h3>
            {T.approvals.args}
            {action.hidden && (
              <span className="muted small"> {T.approvals.hidden(action.hidden.values, action.hidden.of)}</span>
            )}
          </h3>
          <AgentJson value={action.args} />
        </section>
      )}
      {tried.length > 0 && (
        <section>
          <h3>{T.approvals.tried}</h3>
          <Sentences of={tried} />
        </section>
      )}
      {refusedBefore && refusedBefore.length > 0 && (
        <section>
          <h3>{T.approvals.refused}</h3>
          <ul className="sentences">
            {refusedBefore.map(({ approvalId, what, at, by, note }) => (
              <li key={approvalId}>
                <AgentText>{what}</AgentText>{' '}
                <span className="muted">
                  <When at={at} /> <AgentText>{by}</AgentText>
                </span>{' '}
                <AgentText>{note}</AgentText>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** The time left for an answer, as a bar and as text. */
function TimeLeft({ from, until }: { from: string; until: string }): ReactNode {
  const now = useNow();
  const whole = Date.parse(until) - Date.parse(from);
  const left = Math.max(0, Date.parse(until) - now);
  const share = whole <= 0 ? 0 : left / whole;
  return (
    <div className="time-left" title={T.time.utc(until)}>
      <div className="time-left-track">
        <div
          className={`time-left-fill ${share < 0.15 ? 'meter-bad' : share < 0.4 ? 'meter-wait' : 'meter-good'}`}
          style={{ width: `${share * 100}%` }}
        />
      </div>
      <span className="small num">{left === 0 ? T.time.over : `${T.approvals.expires} ${lengthText(left)}`}</span>
    </div>
  );
}

function Buttons({ approval, onAnswered }: { approval: ApprovalView; onAnswered: CardProps['onAnswered'] }): ReactNode {
  const [scope, setScope] = useState<Scope>('call');
  const [note, setNote] = useState('');
  const [isMissing, setMissing] = useState(false);
  const [isLess, setLess] = useState(false);
  const noteField = useRef<HTMLInputElement>(null);
  const answer = useAnswer(approval, onAnswered);
  const isCall = approval.kind === 'action';
  const text = note.trim() === '' ? {} : { note: note.trim() };
  const approve = (): void =>
    answer.mutate({ verdict: 'approve', ...text, ...(isCall && scope !== 'call' ? { scope } : {}) });
  const deny = (): void => {
    if (note.trim() === '') {
      setMissing(true);
      noteField.current?.focus();
      return;
    }
    answer.mutate({ verdict: 'deny', ...text });
  };
  useKeys(
    {
      a: approve,
      d: deny,
      ...(isCall ? { 1: () => setScope('call'), 2: () => setScope('target'), 3: () => setScope('run') } : {}),
    },
    answer.isPending,
  );
  return (
    <footer className="card-foot no-print">
      {answer.error && <Failed error={answer.error} />}
      {isCall && (
        <fieldset className="scope">
          <legend>{T.approvals.scope}</legend>
          {SCOPES.map((each) => (
            <label key={each} className="radio">
              <input type="radio" name="scope" value={each} checked={scope === each} onChange={() => setScope(each)} />
              {T.approvals.scopes[each]}
            </label>
          ))}
        </fieldset>
      )}
      <label className="field">
        {T.approvals.note}
        <input
          ref={noteField}
          maxLength={LIMITS.reasonLength}
          value={note}
          aria-invalid={isMissing}
          aria-describedby={isMissing ? 'note-needed' : undefined}
          onChange={({ target }) => {
            setNote(target.value);
            setMissing(false);
          }}
        />
      </label>
      {isMissing && (
        <p id="note-needed" className="field-problem" role="alert">
          {T.approvals.noteNeeded}
        </p>
      )}
      <div className="actions">
        <button type="button" className="button button-primary" disabled={answer.isPending} onClick={approve}>
          <Check aria-hidden size={16} /> {T.approvals.approve} <kbd>A</kbd>
        </button>
        {!isCall && (
          <button type="button" className="button" disabled={answer.isPending} onClick={() => setLess(true)}>
            {T.approvals.approveLess}
          </button>
        )}
        <span className="grow" />
        <button type="button" className="button button-bad" disabled={answer.isPending} onClick={deny}>
          <X aria-hidden size={16} /> {T.approvals.deny} <kbd>D</kbd>
        </button>
      </div>
      {isLess && (
        <LessDialog
          onClose={() => setLess(false)}
          onApprove={(grant) => {
            setLess(false);
            answer.mutate({ verdict: 'approve', ...text, grant });
          }}
        />
      )}
    </footer>
  );
}

function useKeys(keys: Readonly<Record<string, () => void>>, isBusy: boolean): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = isBusy ? {} : keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.repeat) return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
