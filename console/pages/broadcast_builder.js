// Writing a broadcast, step by step. The gateway keeps each step; what somebody else changed meanwhile is said, and takes nothing away
// that was written here.

import { sentenceOf } from '../account.js';
import { STEPS, definitionOf, draftOf, emptyDraft, firstMissing, isSame, missingIn, valuesFrom } from '../broadcast_draft.js';
import { isWritten, problemText } from '../broadcasts.js';
import { t } from '../language.js';
import { readTemplates } from '../template_list.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { State } from './broadcast_list.js';
import { Audience } from './broadcast_audience.js';
import { Title, pathOf } from './broadcast_one.js';
import { Review } from './broadcast_review.js';
import { NameAndNumber, Schedule } from './broadcast_schedule.js';
import { TemplateStep, checkTemplate } from './broadcast_template.js';
import { byText } from './broadcast_words.js';
import { useDefinitions } from './contact_list.js';
import { Sure } from './contact_notes.js';
import { Press, useChange } from './parts.js';

const knownOf = (broadcast, definitions, draft) => ({
  hasFile: Boolean(broadcast?.upload),
  ownRate: definitions.numbers.find((one) => one.phone_number_id === draft.number)?.rate ?? 0,
});

/** What is written, and how it is kept at the gateway: `{draft, change, save, conflict, …}`. */
function useDraft({ context, broadcast, put, made, hold }) {
  const { ask } = context;
  const [draft, setDraft] = useState(() => (broadcast ? draftOf(broadcast) : emptyDraft()));
  /** The broadcast from which the draft came, or in which it was kept last. */
  const base = useRef(broadcast);
  const latest = useRef(draft);
  latest.current = draft;
  const [conflict, setConflict] = useState(/** @type {any} */ (null));
  /** Counts what was taken over from elsewhere: fields begin anew with it. */
  const [turn, setTurn] = useState(0);
  const isDirtyNow = () => !isSame(definitionOf(latest.current), definitionOf(base.current ? draftOf(base.current) : emptyDraft()));
  const isDirty = isDirtyNow();
  useLayoutEffect(() => hold(isDirty), [isDirty]);
  /** Changes a part, which may be a function of what is written in this moment: two changes may come before either is shown. */
  const change = (part) => {
    latest.current = { ...latest.current, ...(typeof part === 'function' ? part(latest.current) : part) };
    setDraft(latest.current);
  };
  const take = (fresh) => {
    base.current = fresh;
    setConflict(null);
    latest.current = draftOf(fresh);
    setDraft(latest.current);
    setTurn((count) => count + 1);
  };
  // A plan that is made, or a file, makes a new version of the same: only what somebody wrote elsewhere is told.
  useLayoutEffect(() => {
    if (!broadcast || broadcast === base.current) return;
    const isOther = base.current && !isSame(definitionOf(draftOf(base.current)), definitionOf(draftOf(broadcast)));
    if (!isWritten(broadcast) || (isOther && isDirtyNow())) setConflict(broadcast);
    else if (isOther) take(broadcast);
    else base.current = broadcast;
  }, [broadcast]);
  const keep = (fresh) => {
    base.current = fresh;
    put(fresh);
    return fresh;
  };
  /** Keeps what is written, and gives the broadcast. */
  const save = async ({ over = base.current } = {}) => {
    const definition = definitionOf(latest.current);
    if (over === null) {
      const { broadcast: fresh } = await ask('POST', '/v1/broadcasts', definition);
      base.current = fresh;
      made(fresh);
      return fresh;
    }
    if (isSame(definition, definitionOf(draftOf(over)))) return over;
    const write = async (version) => keep((await ask('PUT', pathOf(over.broadcast_id), { ...definition, version })).broadcast);
    try {
      return await write(over.version);
    } catch (error) {
      if (!['broadcast_changed', 'broadcast_state'].includes(error.code)) throw error;
      const { broadcast: fresh } = await ask('GET', pathOf(over.broadcast_id));
      // Nobody wrote anything else: it was planned, for example.
      if (isWritten(fresh) && fresh.state !== 'planning' && isSame(definitionOf(draftOf(fresh)), definitionOf(draftOf(over)))) return await write(fresh.version);
      setConflict(fresh);
      throw error;
    }
  };
  const overwrite = async () => {
    const fresh = await save({ over: conflict });
    setConflict(null);
    return fresh;
  };
  const copy = async () => (await ask('POST', '/v1/broadcasts', definitionOf(latest.current))).broadcast;
  return { draft, now: () => latest.current, change, save, keep, take, conflict, overwrite, copy, turn, isDirtyNow };
}

/** Reads the template of a draft that was kept, so that what fills it can be changed. */
function useTemplate(context, { draft, change, turn }, definitions) {
  const waba = definitions.numbers.find((one) => one.phone_number_id === draft.number)?.waba_id;
  const [isGone, setGone] = useState(false);
  useEffect(() => {
    if (!draft.sent || draft.template || !waba) return;
    const { name, language } = draft.sent;
    readTemplates(context.ask, { name, language: language.code, waba_id: waba }).then(
      ({ templates }) => {
        const found = templates.find((one) => one.name === name && one.language === language.code);
        setGone(!found);
        // Another one may have been chosen meanwhile.
        if (found) change((now) => (now.template || now.sent !== draft.sent ? {} : { template: found, values: valuesFrom(found, draft.sent) }));
      },
      () => {},
    );
  }, [waba, turn]);
  return isGone && draft.template === null;
}

export function Builder({ context, broadcast, put, made, hold, open }) {
  const definitions = useDefinitions(context);
  const written = useDraft({ context, broadcast, put, made, hold });
  const { draft, change, conflict } = written;
  const isTemplateGone = useTemplate(context, written, definitions);
  const known = knownOf(broadcast, definitions, draft);
  const [step, setStep] = useState(() => (broadcast ? (broadcast.state === 'draft' ? firstMissing(draftOf(broadcast), { hasFile: Boolean(broadcast.upload) }) : 'review') : 'name'));
  const [wrong, setWrong] = useState(/** @type {Record<string, string>} */ ({}));
  const [isRunning, setRunning] = useState(false);
  const at = STEPS.indexOf(step);
  /** The focus is on the page's heading when it opens, and on that of a step later on. */
  const isFirst = useRef(true);
  useEffect(() => {
    isFirst.current = false;
  }, []);
  // With one number there is nothing to choose.
  useEffect(() => {
    if (draft.number === '' && definitions.numbers.length === 1) change({ number: definitions.numbers[0].phone_number_id });
  }, [definitions.numbers]);
  const go = (next) => {
    setWrong({});
    setStep(next);
  };
  const set = (part) => {
    setWrong({});
    change(part);
  };
  const run = async (work) => {
    if (isRunning) return;
    setRunning(true);
    try {
      await work();
    } catch (error) {
      // What is in the way is said above, with what can be done about it.
      setWrong({ whole: ['broadcast_changed', 'broadcast_state'].includes(error.code) ? '' : sentenceOf(error) });
    }
    setRunning(false);
  };
  const next = () =>
    run(async () => {
      const now = written.now();
      const missing = missingIn(step, now, known, Date.now());
      if (missing) return setWrong({ [missing[0]]: t(missing[1]) });
      const problems = step === 'template' ? await checkTemplate(context, now) : null;
      if (problems) return setWrong(problems);
      const fresh = await written.save();
      if (step === 'schedule' && fresh.state === 'draft' && firstMissing(now, { hasFile: Boolean(fresh.upload) }) === 'review') await plan(fresh);
      return go(STEPS[at + 1]);
    });
  const plan = async (fresh) => written.keep((await context.ask('POST', `${pathOf(fresh.broadcast_id)}/plan`, {})).broadcast);
  const close = () => run(async () => (written.isDirtyNow() && (await written.save()), open(null)));
  const given = { key: `${step} ${written.turn}`, context, draft, change: set, definitions, broadcast, wrong, save: written.save, keep: written.keep, run };
  const upload = broadcast?.upload ?? null;
  const reached = (one) => STEPS.slice(0, STEPS.indexOf(one)).every((before) => missingIn(before, written.now(), known, -Infinity) === null);
  return html`
    <${Title} name=${broadcast ? draft.name : t('broadcasts.new_title')}>
      ${broadcast && html`<span role="status"><${State} broadcast=${broadcast} /></span>`}
      ${broadcast && broadcast.state !== 'planning' && html`<${Remove} ...${{ context, broadcast, open }} />`}
    <//>
    <nav aria-label=${t('broadcasts.steps')}>
      <ol class="broadcast-steps">
        ${STEPS.map((one, i) => html`<li key=${one} data-done=${String(i < at)}><button type="button" aria-current=${one === step ? 'step' : null} aria-disabled=${String(!reached(one))} onclick=${() => reached(one) && run(async () => (one === 'review' && (await written.save()), go(one)))}>${t(`broadcasts.step.${one}`)}</button></li>`)}
      </ol>
    </nav>
    ${conflict && html`<${Conflict} ...${{ context, written, put, open, conflict }} onDone=${() => setWrong({})} />`}
    ${broadcast?.problem && html`<p class="broadcast-problem" role="alert">${problemText(broadcast)}</p>`}
    <section class="card broadcast-step" aria-labelledby="step-title">
      <${StepTitle} key=${step} step=${step} isFirst=${isFirst.current} />
      ${step === 'name' && html`<${NameAndNumber} ...${given} />`}
      ${step === 'audience' && html`<${Audience} ...${given} />`}
      ${step === 'template' && html`<${TemplateStep} ...${given} columns=${draft.to === 'upload' ? (upload?.columns ?? []) : []} isGone=${isTemplateGone} />`}
      ${step === 'schedule' && html`<${Schedule} ...${given} ownRate=${known.ownRate} />`}
      ${step === 'review' && broadcast && html`<${Review} ...${{ context, broadcast, definitions, put, draft, run }} plan=${() => run(() => plan(broadcast))} />`}
      <p class="form-problem" role="alert">${wrong.whole ?? ''}</p>
      <p class="form-foot">
        <button type="button" class="plain" onclick=${close}>${t(broadcast || draft.name ? 'broadcasts.close' : 'any.cancel')}</button>
        ${at > 0 && html`<button type="button" class="plain" onclick=${() => go(STEPS[at - 1])}>${t('broadcasts.back_step')}</button>`}
        ${step !== 'review' && html`<button type="button" class="primary" onclick=${next}>${isRunning ? t('any.moment') : t(step === 'schedule' ? 'broadcasts.to_plan' : 'broadcasts.next')}</button>`}
      </p>
    </section>
  `;
}

function StepTitle({ step, isFirst }) {
  const title = useRef(null);
  useLayoutEffect(() => {
    if (!isFirst) title.current.focus({ preventScroll: true });
  }, []);
  return html`<h2 id="step-title" tabindex="-1" ref=${title}>${t(`broadcasts.step_title.${step}`)}</h2>`;
}

function Remove({ context, broadcast, open }) {
  const { ask, say } = context;
  const [isAsked, setAsked] = useState(false);
  const { run, problem } = useChange(say);
  const { broadcast_id: id, name } = broadcast;
  const remove = () => run(async () => (await ask('DELETE', pathOf(id)), open(null)), t('broadcasts.remove_done', { name }));
  if (isAsked) return html`<${Sure} ask=${t('broadcasts.remove_ask', { name })} label=${t('broadcasts.remove_yes')} run=${remove} onKeep=${() => setAsked(false)} /><p class="page-problem" role="alert">${problem}</p>`;
  return html`<${Press} label=${t('broadcasts.remove')} tone="danger" run=${() => setAsked(true)} />`;
}

/** Somebody else changed it, or sent it on its way: what is written here is there still, and can be kept. */
function Conflict({ context, written, put, open, conflict, onDone }) {
  const { run, problem } = useChange(context.say);
  const who = byText(conflict.changed_by, context);
  const isOpen = isWritten(conflict);
  const mine = () => run(async () => (await written.overwrite(), onDone()));
  const theirs = () => {
    written.take(conflict);
    put(conflict);
    onDone();
  };
  const apart = () => run(async () => open((await written.copy()).broadcast_id));
  return html`
    <div class="broadcast-problem" role="alert">
      <p>${t(isOpen ? 'broadcasts.conflict' : 'broadcasts.conflict_gone', { who })}</p>
      <div class="buttons">
        ${isOpen && conflict.state !== 'planning' && html`<${Press} label=${t('broadcasts.keep_mine')} run=${mine} />`}
        ${!isOpen && html`<${Press} label=${t('broadcasts.keep_apart')} run=${apart} />`}
        <${Press} label=${t(isOpen ? 'broadcasts.take_theirs' : 'broadcasts.look_at_it')} run=${theirs} />
      </div>
      <p class="page-problem">${problem}</p>
    </div>
  `;
}
