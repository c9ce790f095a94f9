// Tells of new messages by the system's notifications, if the person wants that, while nobody looks at the page. No DOM in here.

/** What came longer ago than this is not news: it was caught up with after a break. */
const FRESH = 60_000;

export class Notices {
  #given;

  /**
   * `Notification` is the browser's, or undefined where it has none; `isWanted()` is the person's wish, `isSeen()` whether somebody looks at the
   * page; `open(conversation_id)` shows a conversation.
   *
   * @param {{Notification: any, isWanted: () => boolean, isSeen: () => boolean, now: () => number, open: (id: string) => void}} given
   */
  constructor(given) {
    this.#given = given;
  }

  /** How the browser stands to it: `granted`, `denied`, `default`, or `none`. */
  get permission() {
    return this.#given.Notification?.permission ?? 'none';
  }

  /** Asks the browser's leave; says whether it is given. */
  async ask() {
    if (this.permission === 'default') await this.#given.Notification.requestPermission();
    return this.permission === 'granted';
  }

  /** A message came: `{id, name, text, at}`. Those of one conversation take each other's place. */
  tell({ id, name, text, at }) {
    const { Notification, isWanted, isSeen, now, open } = this.#given;
    if (this.permission !== 'granted' || !isWanted() || isSeen() || now() - at > FRESH) return;
    try {
      const notice = new Notification(name, { body: text, tag: id, icon: '/console/icon.svg' });
      notice.onclick = () => {
        notice.close();
        open(id);
      };
    } catch {
      // Some phones show notifications by other ways alone.
    }
  }
}
