// Files at hand: those that are sent often, each under a shortcut that the composer finds.

import { isShortcut } from '../canned.js';
import { sentenceOf } from '../account.js';
import { t } from '../language.js';
import { acceptedTypes, bytesText, kindOfFile } from '../media.js';
import { Upload } from '../uploads.js';
import { html, useEffect, useRef, useState } from '../view.js';
import { Field, Form, Press, useFocus } from './parts.js';

export function QuickFiles({ context }) {
  const { replies, say } = context;
  const { files } = replies;
  const [isAdding, setAdding] = useState(false);
  const [problem, setProblem] = useState('');
  const add = useRef(null);
  const done = () => {
    setAdding(false);
    replies.load();
    setTimeout(() => add.current?.focus({ preventScroll: true }), 0);
  };
  const remove = async (shortcut) => {
    setProblem('');
    try {
      const api = await context.mediaApi();
      await api.deleteQuickFile(shortcut).catch(unlessGone);
    } catch (error) {
      setProblem(sentenceOf(error));
    }
    await replies.load();
    add.current?.focus({ preventScroll: true });
  };
  return html`
    <section class="card" aria-labelledby="quick-title">
      <header>
        <h2 id="quick-title">${t('quick.title')}</h2>
        ${!isAdding && html`<button type="button" class="plain" ref=${add} onclick=${() => setAdding(true)}>${t('quick.add')}</button>`}
      </header>
      <p class="quiet">${t('quick.about')}</p>
      ${isAdding && html`<${Add} context=${context} taken=${files.map(({ shortcut }) => shortcut)} onDone=${(shortcut) => (say(t('quick.saved', { shortcut }), 'good'), done())} onCancel=${done} />`}
      <p class="page-problem" role="alert">${problem}</p>
      ${files.length === 0 && !isAdding && html`<p class="page-empty">${t('quick.none')}</p>`}
      ${files.length > 0 && html`<ul class="account-rows">${files.map((file) => html`<${File_} key=${file.shortcut} file=${file} remove=${remove} />`)}</ul>`}
    </section>
  `;
}

function unlessGone(error) {
  if (error.status !== 404) throw error;
}

function File_({ file, remove }) {
  const { shortcut, name = '', bytes } = file;
  const [isAsked, setAsked] = useState(false);
  return html`
    <li data-shortcut=${shortcut}>
      <div class="account-who">
        <span class="canned-shortcut">${`/${shortcut}`}</span>
        <p><bdi>${name}</bdi> <span class="quiet">${bytesText(bytes)}</span></p>
      </div>
      ${isAsked
        ? html`<${Question} shortcut=${shortcut} remove=${remove} onKeep=${() => setAsked(false)} />`
        : html`<div class="account-do"><${Press} label=${t('canned.delete')} name=${t('quick.delete_one', { shortcut })} run=${() => setAsked(true)} /></div>`}
    </li>
  `;
}

function Question({ shortcut, remove, onKeep }) {
  const focus = useFocus();
  return html`
    <div class="account-question">
      <p>${t('canned.delete_all')}</p>
      <${Press} label=${t('canned.delete')} name=${t('quick.delete_one', { shortcut })} tone="danger" run=${() => remove(shortcut)} />
      <${Press} label=${t('canned.keep')} name=${t('quick.keep_one', { shortcut })} run=${onKeep} focus=${focus} />
    </div>
  `;
}

/** What a form says about a file or a shortcut that cannot be taken. */
class Refusal extends Error {}

const explain = (error) => (error instanceof Refusal ? error.message : sentenceOf(error));

function Add({ context, taken, onDone, onCancel }) {
  const focus = useFocus();
  const upload = useRef(null);
  const [isOn, setOn] = useState({ offset: 0, bytes: 0 });
  useEffect(() => () => upload.current?.stop(), []);
  const chosen = useRef(null);
  const save = async ({ shortcut: written = '' }) => {
    const [file] = chosen.current.files;
    const shortcut = written.replace(/^\//, '').toLowerCase();
    if (!isShortcut(shortcut)) throw new Refusal(t('canned.shortcut_rule'));
    if (taken.includes(shortcut)) throw new Refusal(t('quick.taken', { shortcut }));
    if (!file) throw new Refusal(t('quick.choose'));
    const { kind, mime, problem } = kindOfFile(file);
    if (problem) throw new Refusal(problem);
    const api = await context.mediaApi();
    const changed = () => setOn({ offset: upload.current?.offset ?? 0, bytes: file.size });
    upload.current = new Upload({ file, kind, mime, name: file.name, api, changed, timers: context.timers, random: Math.random });
    await upload.current.start();
    if (upload.current.media === null) throw new Refusal(t('attach.failed', { why: upload.current.why }));
    await api.putQuickFile(shortcut, upload.current.media.media_id);
    onDone(shortcut);
  };
  return html`
    <${Form} label=${t('any.save')} run=${save} onCancel=${onCancel} explain=${explain}>
      <${Field} label=${t('quick.shortcut')} name="shortcut" maxlength="33" autocomplete="off" autocapitalize="none" spellcheck="false" dir="ltr" inputRef=${focus} />
      <${Field} label=${t('quick.file')} kind="file" inputRef=${chosen} accept=${acceptedTypes()} />
      ${isOn.bytes > 0 && html`<p class="whole"><progress max=${isOn.bytes} value=${isOn.offset} aria-label=${t('quick.file')} /></p>`}
    <//>
  `;
}
