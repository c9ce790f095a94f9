// Malay.

import account from './ms/account.js';
import delivery from './ms/delivery.js';
import inbox from './ms/inbox.js';
import pages from './ms/pages.js';

export default { ...account, ...delivery, ...inbox, ...pages };
