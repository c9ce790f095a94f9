// Arabic.

import account from './ar/account.js';
import delivery from './ar/delivery.js';
import inbox from './ar/inbox.js';
import pages from './ar/pages.js';

export default { ...account, ...delivery, ...inbox, ...pages };
