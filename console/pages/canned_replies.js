// The team's canned replies, as a page: the same that the composer offers. They are written in the composer's own dialog.

import { sentenceOf } from '../canned.js';
import { t } from '../language.js';
import { Icon } from '../parts.js';
import { html, useEffect, useReducer, useState } from '../view.js';
import { Head, Press, useFocus } from './parts.js';
import { QuickFiles } from './quick_files.js';

export default function CannedReplies({ page, context }) {
  const { replies, cannedSheet } = context;
  const [, again] = useReducer((count) => count + 1, 0);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const stop = replies.watch(again);
    replies.load();
    return stop;
  }, []);
  const remove = async (shortcut) => {
    setProblem('');
    try {
      await replies.remove(shortcut);
    } catch (error) {
      setProblem(sentenceOf(error));
    }
    document.getElementById('add-canned')?.focus({ preventScroll: true });
  };
  const { all, state, failed, loading } = replies;
  const isLost = failed && !loading;
  return html`
    <${Head} page=${page}>
      <button type="button" class="primary" id="add-canned" onclick=${() => cannedSheet.open({ add: { shortcut: '', text: '' } })}>${t('canned.new')}</button>
    <//>
    <p class="page-lead">${t('canned.about')}</p>
    <p class="page-problem" role="alert">${problem}</p>
    ${isLost &&
    html`<p class="page-status" role="alert">${t('canned.not_loaded')} <${Press} label=${t('any.try_again')} run=${() => replies.load()} /></p>`}
    ${!isLost && state === 'unknown' && html`<p class="page-status" role="status">${t('any.loading')}</p>`}
    ${state === 'known' && all.length === 0 && html`<p class="page-empty">${t('canned.none_yet')}</p>`}
    ${all.length > 0 &&
    html`
      <section class="card">
        <ul class="account-rows">
          ${all.map((reply) => html`<${Reply} key=${`${reply.private} ${reply.shortcut}`} reply=${reply} isRemovable=${replies.isRemovable(reply)} remove=${remove} onEdit=${() => cannedSheet.edit(reply)} />`)}
        </ul>
      </section>
    `}
    ${state === 'known' && html`<${QuickFiles} context=${context} />`}
  `;
}

function Reply({ reply, isRemovable, remove, onEdit }) {
  const { shortcut, text, private: isPrivate } = reply;
  const [isAsked, setAsked] = useState(false);
  return html`
    <li data-shortcut=${shortcut}>
      <div class="account-who">
        <span class="canned-shortcut">${`/${shortcut}`}</span>
        <p class="canned-whole" dir="auto">${text}</p>
        ${isPrivate && html`<p class="quiet"><${Icon} name="lock" /> ${t('canned.private')}</p>`}
      </div>
      ${isAsked
        ? html`<${Question} shortcut=${shortcut} isPrivate=${isPrivate} remove=${remove} onKeep=${() => setAsked(false)} />`
        : html`
            <div class="account-do">
              <${Press} label=${t('canned.edit')} name=${t('canned.edit_one', { shortcut })} run=${onEdit} />
              ${isRemovable && html`<${Press} label=${t('canned.delete')} name=${t('canned.delete_one', { shortcut })} run=${() => setAsked(true)} />`}
            </div>
          `}
    </li>
  `;
}

function Question({ shortcut, isPrivate, remove, onKeep }) {
  const focus = useFocus();
  return html`
    <div class="account-question">
      <p>${t(isPrivate ? 'canned.delete_own' : 'canned.delete_all')}</p>
      <${Press} label=${t('canned.delete')} name=${t('canned.delete_one', { shortcut })} tone="danger" run=${() => remove(shortcut)} />
      <${Press} label=${t('canned.keep')} name=${t('canned.keep_one', { shortcut })} run=${onKeep} focus=${focus} />
    </div>
  `;
}
