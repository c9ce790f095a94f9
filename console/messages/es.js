// Spanish.

import account from './es/account.js';
import delivery from './es/delivery.js';
import inbox from './es/inbox.js';
import pages from './es/pages.js';
import profile from './es/profile.js';

export default { ...account, ...delivery, ...inbox, ...pages, ...profile };
