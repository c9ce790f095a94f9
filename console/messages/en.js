// English. A key is `place.name`; `{holes}` are filled in; a text with plural forms goes by `{count}`. The other languages
// have the same keys, and a test says which are missing.

import account from './en/account.js';
import delivery from './en/delivery.js';
import inbox from './en/inbox.js';
import pages from './en/pages.js';

export default { ...account, ...delivery, ...inbox, ...pages };
