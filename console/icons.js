// The page's pictograms: strokes on a field of 24 by 24.

const SVG = 'http://www.w3.org/2000/svg';

/** Their strokes, by name. */
export const PATHS = {
  alert: ['M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z', 'M12 7.5v5.5', 'M12 16.4v.1'],
  arrow_down: ['M12 5v14', 'M6 13l6 6 6-6'],
  audit: ['M6 3h9l4 4v14H6z', 'M9.5 9h4', 'M9.5 12.5h6', 'M9.5 16h6'],
  back: ['M15 5l-7 7 7 7'],
  bolt: ['M13 3L5.5 13.5H12L11 21l7.5-10.5H12z'],
  business: ['M4 20.5V9l8-5 8 5v11.5', 'M3 20.5h18', 'M9.5 20.5v-6h5v6'],
  cart: ['M3 4h2l2.4 11h10.2L20 7.5H6', 'M9 19.5v.1', 'M16 19.5v.1'],
  check: ['M5 12.5l4.6 4.6L19.5 7'],
  chevron_down: ['M6 9.5l6 6 6-6'],
  clock: ['M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17z', 'M12 7.5v5l3 2'],
  contacts: ['M5 4h13v16H5z', 'M3 8h3', 'M3 12h3', 'M3 16h3', 'M11.5 8.2a2 2 0 1 0 0 4a2 2 0 0 0 0-4z', 'M8.2 16.5c.4-1.7 1.7-2.5 3.3-2.5s2.9.8 3.3 2.5'],
  copy: ['M9 9h10v11H9z', 'M15 9V4H5v11h4'],
  clip: ['M19.5 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3 3 0 0 1 4.3 4.3l-8 8a1.5 1.5 0 0 1-2.1-2.1l7-7'],
  cross: ['M6 6l12 12', 'M18 6L6 18'],
  download: ['M12 4v11', 'M7 10.5l5 5 5-5', 'M5 20h14'],
  file: ['M6 3h8l4 4v14H6z', 'M14 3v4h4', 'M9 12.5h6', 'M9 16h6'],
  form: ['M5 4h14v16H5z', 'M8.5 9h7', 'M8.5 12.5h7', 'M8.5 16h4'],
  forward: ['M9 5l7 7-7 7'],
  image: ['M4 5h16v14H4z', 'M4 16l5-5 4 4 2.5-2.5L20 17', 'M15.5 9v.1'],
  inbox: ['M4 5h16v14H4z', 'M4 13.5h4.5l1.2 2.5h4.6l1.2-2.5H20'],
  info: ['M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z', 'M12 11v5.5', 'M12 7.6v.1'],
  key: ['M8.5 11.5a4 4 0 1 0 0 8a4 4 0 0 0 0-8z', 'M11.4 12.7L19.5 4.5', 'M16 8l2.5 2.5', 'M18.5 5.5l1.5 1.5'],
  link: ['M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7L12 6.3', 'M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1'],
  list: ['M9 6h11', 'M9 12h11', 'M9 18h11', 'M4.5 6v.1', 'M4.5 12v.1', 'M4.5 18v.1'],
  lock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3'],
  megaphone: ['M4 10v4h3l9 4V6l-9 4z', 'M19 10v4', 'M8 14.5l1.2 5'],
  menu: ['M4 6.5h16', 'M4 12h16', 'M4 17.5h16'],
  mic: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M5.5 11a6.5 6.5 0 0 0 13 0', 'M12 17.5V21'],
  note: ['M5 4h14v10l-5 6H5z', 'M14 20v-6h5', 'M8.5 9h7', 'M8.5 12.5h3'],
  number: ['M8 3h8v18H8z', 'M11 18.2h2'],
  panel: ['M4 5h16v14H4z', 'M14.5 5v14'],
  person: ['M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8z', 'M4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6'],
  pin: [
    'M12 21c-4.5-5-6.5-8-6.5-11a6.5 6.5 0 0 1 13 0c0 3-2 6-6.5 11z',
    'M12 7.8a2.3 2.3 0 1 0 0 4.6a2.3 2.3 0 0 0 0-4.6z',
  ],
  play: ['M8 5l11 7-11 7z'],
  plus: ['M12 5v14', 'M5 12h14'],
  question: ['M9 9.2a3 3 0 1 1 4.4 2.7c-.9.5-1.4 1-1.4 2.1', 'M12 17.4v.1'],
  reply: ['M9.5 6L4 11.5 9.5 17', 'M4 11.5h9.5c4 0 6.5 2.5 6.5 6.5'],
  retry: ['M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.3', 'M20 4.5v4.8h-4.8'],
  send: ['M4 12L20 4l-5 16-3.5-6.5z', 'M11.5 13.5L20 4'],
  smile: ['M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z', 'M8.5 14.2c1.8 2.4 5.2 2.4 7 0', 'M9 9.6v.1', 'M15 9.6v.1'],
  stop: ['M7 7h10v10H7z'],
  sticker: ['M5 4h14v9l-7 7H5z', 'M12 20v-7h7'],
  team: ['M9 5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7z', 'M2.8 19.5c.6-3.4 3-5 6.2-5s5.6 1.6 6.2 5', 'M15.5 5.4a3.4 3.4 0 0 1 0 6.3', 'M17.6 15c2 .6 3.2 2.1 3.6 4.5'],
  template: ['M4 5h16v14H4z', 'M4 9.5h16', 'M8 13h8', 'M8 16h5'],
  usage: ['M4 20.5h16', 'M6.5 17v-5', 'M12 17V6', 'M17.5 17V9.5'],
  video: ['M4 6h11v12H4z', 'M15 10.5l5-3v9l-5-3'],
  zoom: ['M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z', 'M15.5 15.5L20.5 20.5', 'M10.5 8v5', 'M8 10.5h5'],
};

function svg(box, paths, className) {
  const element = document.createElementNS(SVG, 'svg');
  element.setAttribute('viewBox', box);
  element.setAttribute('class', className);
  element.setAttribute('aria-hidden', 'true');
  for (const data of paths) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', data);
    element.append(path);
  }
  return element;
}

// What points along the line of reading points the other way where that runs from right to left.
const POINTING = new Set(['back', 'forward', 'list', 'panel', 'reply', 'send']);

/** The classes of a pictogram. */
export function iconClass(name) {
  return POINTING.has(name) ? 'icon pointing' : 'icon';
}

/** A pictogram. It says nothing to a screen reader: words beside it do. */
export function icon(name) {
  return svg('0 0 24 24', PATHS[name], iconClass(name));
}

const TICKS = {
  tick: ['M4.5 6.4l3 3 6-6.6'],
  ticks: ['M1.5 6.4l3 3 6-6.6', 'M8 8.6l.9.8 6-6.6'],
  clock: ['M8 1.4a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 0 0 0-9.2z', 'M8 3.6V6l1.7 1'],
  dashed: ['M8 1.4a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 0 0 0-9.2z', 'M8 3.6V6l1.7 1'],
  alert: ['M8 1.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 0 0 0-9.6z', 'M8 3.5v3', 'M8 8.4v.1'],
  clip: ['M19.5 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3 3 0 0 1 4.3 4.3l-8 8a1.5 1.5 0 0 1-2.1-2.1l7-7'],
  cross: ['M5 3l6 6', 'M11 3L5 9'],
};

/** The mark of a delivery, as `ticksOf` names it. */
export function tickMark(name) {
  return svg('0 0 16 12', TICKS[name], `tick-mark tick-${name}`);
}
