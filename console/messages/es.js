// Spanish.

import account from './es/account.js';
import delivery from './es/delivery.js';
import inbox from './es/inbox.js';
import pages from './es/pages.js';

export default { ...account, ...delivery, ...inbox, ...pages };
