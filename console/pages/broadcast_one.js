// One broadcast: where it is written still, what it is written in; else how it goes.

import { isWritten } from '../broadcasts.js';
import { Watch } from '../broadcast_watch.js';
import { t } from '../language.js';
import { Icon } from '../parts.js';
import { hashOfPage } from '../route.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { LiveBroadcast } from './broadcast_live.js';
import { Loading } from './parts.js';

export const pathOf = (id) => `/v1/broadcasts/${encodeURIComponent(id)}`;

/** The way back, the name, and what can be done. The focus is on the name once it is known. */
export function Title({ name, children }) {
  const isNamed = Boolean(name);
  useLayoutEffect(() => /** @type {HTMLElement | null} */ (document.querySelector('#page-title'))?.focus({ preventScroll: true }), [isNamed]);
  return html`
    <p><a class="plain broadcast-back" href=${hashOfPage('broadcasts')}><${Icon} name="back" />${t('broadcasts.back')}</a></p>
    <header class="page-head"><h1 tabindex="-1" id="page-title"><bdi>${name || t('page.broadcasts')}</bdi></h1>${children}</header>
  `;
}

/** A broadcast as it stands, looked at again as it goes on: `{data, error, load, put}`. What was put by somebody's press is not overtaken. */
export function useBroadcast(context, id) {
  const [state, setState] = useState({ data: null, error: null });
  const watch = useRef(null);
  const put = (data) => setState((before) => (before.data && data.version < before.data.version ? before : { data, error: null }));
  useLayoutEffect(() => {
    if (id === null) return undefined;
    watch.current = new Watch({
      read: async () => (await context.ask('GET', pathOf(id))).broadcast,
      put,
      failed: (error) => setState((before) => ({ ...before, error })),
      isSeen: () => document.visibilityState === 'visible',
      timers: context.timers,
      now: () => Date.now(),
    });
    const shown = () => document.visibilityState === 'visible' && watch.current.shown();
    const stop = context.onBroadcast((told) => (told === null || told.broadcast_id === id) && watch.current.hint());
    document.addEventListener('visibilitychange', shown);
    watch.current.hint();
    return () => {
      stop();
      document.removeEventListener('visibilitychange', shown);
      watch.current.stop();
    };
  }, [id]);
  const load = () => watch.current?.hint();
  return {
    ...state,
    load,
    put: (data) => {
      put(data);
      load();
    },
  };
}

/** One by its id; with none, one that is begun. */
export function OneBroadcast({ context, id, mayBroadcast, open }) {
  const [own, setOwn] = useState(id);
  const loaded = useBroadcast(context, own);
  const { data: broadcast, error } = loaded;
  const [Builder, setBuilder] = useState(null);
  /** Whether something is written here that the gateway does not keep: it stays, whatever becomes of the broadcast. */
  const [isHeld, setHeld] = useState(false);
  const isNew = own === null || (id === null && broadcast === null);
  const isBuilt = mayBroadcast && (isNew || (broadcast !== null && (isWritten(broadcast) || isHeld)));
  const made = (fresh) => {
    setOwn(fresh.broadcast_id);
    loaded.put(fresh);
    // Whoever loads the page again finds the draft.
    history.replaceState(history.state, '', hashOfPage('broadcasts', fresh.broadcast_id));
  };
  useEffect(() => {
    if (isBuilt && Builder === null)
      import('./broadcast_builder.js').then(
        (module) => setBuilder(() => module.Builder),
        () => context.say(t('page.lost'), 'bad'),
      );
  }, [isBuilt]);
  if (broadcast === null && !isNew)
    return html`
      <${Title} name="" />
      ${error?.status === 404 ? html`<p class="page-empty" role="alert">${t('broadcasts.gone')}</p>` : html`<${Loading} loaded=${loaded} />`}
    `;
  if (isBuilt) return Builder === null ? html`<p class="page-status" role="status">${t('any.loading')}</p>` : html`<${Builder} ...${{ context, broadcast, made, open }} put=${loaded.put} hold=${setHeld} />`;
  return html`<${LiveBroadcast} ...${{ context, broadcast, mayBroadcast, open }} put=${loaded.put} problem=${error} />`;
}
